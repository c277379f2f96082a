// From a hold to a ticket at the door, over HTTP, with the real database, the real store and the payment simulator.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { CARDS, hold, order, payOnPage, place, statusOf } from './buyer.ts'
import { startOrigin, type TestOrigin } from './origin.ts'
import { PERFORMANCE, smallEvent } from './small-event.ts'

let origin: TestOrigin
beforeAll(async () => {
  origin = await startOrigin()
  await origin.importEvent(smallEvent())
})
afterAll(() => origin.stop())

const verify = (code: unknown) =>
  origin.request('/api/tickets/verify', {
    headers: { authorization: `Bearer ${origin.env.ADMIN_TOKEN}` },
    body: { code },
  })

test('a held seat is ordered, paid on the provider’s page, and becomes a ticket that enters once', async () => {
  const { orderId, answer } = await place(origin, ['A-1-1', 'B-1-1'])
  expect(answer.body).toMatchObject({ status: 'awaiting_payment', total: 7_350, currency: 'EUR' })
  expect(orderId).toMatch(/^[A-Za-z0-9_-]{22,}$/)
  const early = await origin.request(`/api/orders/${orderId}/tickets`)
  expect(early).toMatchObject({ status: 409, body: { code: 'order_conflict' } })

  const back = await payOnPage(origin, orderId)
  expect(back.location).toContain(`${origin.url}/orders/${orderId}/return`)
  const returned = await origin.request(new URL(String(back.location)).pathname)
  expect(returned.status).toBe(303)
  expect(returned.headers.get('location')).toBe(`/orders/${orderId}`)
  await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'))

  const { body } = await origin.request(`/api/orders/${orderId}/tickets`)
  const tickets = body['tickets'] as unknown as { seat: string; code: string; qr: string }[]
  expect(tickets.map(({ seat }) => seat)).toEqual(['A-1-1', 'B-1-1'])
  expect(tickets[0]?.qr).toMatch(/^<svg /)
  expect(await verify(tickets[0]?.code)).toMatchObject({
    status: 200,
    body: { valid: true, seat: { id: 'A-1-1', section: 'Front', row: '1', label: '1' } },
  })
  const again = await Promise.all([verify(tickets[0]?.code), verify(tickets[0]?.code)])
  expect(again.map(({ body }) => [body['valid'], body['reason']])).toEqual([
    [false, 'used'],
    [false, 'used'],
  ])
})

test('two doors that scan one ticket at the same moment let one person in', async () => {
  const { orderId } = await place(origin, ['A-1-2'])
  await payOnPage(origin, orderId)
  await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'))
  const { body } = await origin.request(`/api/orders/${orderId}/tickets`)
  const [ticket] = body['tickets'] as unknown as { code: string }[]
  const scans = await Promise.all(Array.from({ length: 20 }, () => verify(ticket?.code)))
  expect(scans.filter(({ body }) => body['valid'] === true)).toHaveLength(1)
})

test('a forged code, a code of another key, and a door without the token do not get in', async () => {
  expect(await verify('not.a.code')).toMatchObject({ body: { valid: false, reason: 'forged' } })
  const refused = await origin.request('/api/tickets/verify', { body: { code: 'x' } })
  expect(refused).toMatchObject({ status: 401, body: { code: 'admin_required' } })
})

test('the sold seat is sold for everyone: the map says so and a new hold is refused', async () => {
  const { orderId } = await place(origin, ['A-1-3'])
  await payOnPage(origin, orderId)
  await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'))
  // The map hears of it through the outbox.
  await origin.settled()
  const visitor = await origin.admit()
  const refused = await origin.request(`/api/performances/${PERFORMANCE}/holds`, {
    headers: visitor,
    body: { seats: ['A-1-3', 'A-1-4'] },
  })
  expect(refused).toMatchObject({
    status: 409,
    body: { code: 'seats_taken', conflicts: [{ seat: 'A-1-3', state: 'sold' }] },
  })
})

test('a price that the browser sends is ignored, and another unknown field is not', async () => {
  const visitor = await origin.admit()
  const holdId = await hold(origin, ['A-2-1'], visitor)
  const cheap = await order(origin, { holdId, visitor, extra: { total: 1, price: 1 } })
  expect(cheap).toMatchObject({ status: 201, body: { total: 5_250 } })
  const odd = await order(origin, { holdId, visitor, extra: { discount: 100 } })
  expect(odd).toMatchObject({ status: 422, body: { errors: [{ field: '/discount' }] } })
})

test('a declined card leaves the order payable, says why, and a good card then pays it', async () => {
  const { orderId } = await place(origin, ['A-2-2'])
  expect((await payOnPage(origin, orderId, CARDS.declined)).status).not.toBe(303)
  await vi.waitFor(async () => {
    const { body } = await origin.request(`/api/orders/${orderId}`)
    expect(body).toMatchObject({ status: 'awaiting_payment', failure: 'generic_decline' })
  })
  await payOnPage(origin, orderId)
  await vi.waitFor(async () => expect(await statusOf(origin, orderId)).toBe('paid'))
})

test('a cancelled order gives its seats back at once and can no longer be paid', async () => {
  const { orderId } = await place(origin, ['A-2-3'])
  await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const cancelled = await origin.request(`/api/orders/${orderId}/cancel`, { method: 'POST' })
  expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled' } })
  expect(origin.payments.intents.all().at(-1)?.status).toBe('canceled')
  const repeated = await origin.request(`/api/orders/${orderId}/cancel`, { method: 'POST' })
  expect(repeated.status).toBe(200)
  const paid = await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  expect(paid).toMatchObject({ status: 409, body: { code: 'order_conflict' } })
  await hold(origin, ['A-2-3'], await origin.admit())
})

test('beginning the payment twice leads to the same page and one intent', async () => {
  const { orderId } = await place(origin, ['A-2-4'])
  const begin = () => origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const [first, second] = await Promise.all([begin(), begin()])
  expect([first.status, second.status]).toEqual([202, 202])
  expect(first.body).toEqual(second.body)
  expect((await begin()).body).toEqual(first.body)
  expect(origin.payments.intents.all().filter(({ metadata }) => metadata['order'] === orderId)).toHaveLength(
    1,
  )
})

test('the return trusts nothing: a claim of success in its address pays nothing', async () => {
  const { orderId } = await place(origin, ['A-2-5'])
  await origin.request(`/api/orders/${orderId}/pay`, { method: 'POST' })
  const returned = await origin.request(`/orders/${orderId}/return?redirect_status=succeeded`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'https://bank.example',
      'sec-fetch-site': 'cross-site',
    },
  })
  expect(returned.status).toBe(303)
  expect(await statusOf(origin, orderId)).toBe('awaiting_payment')
})

test('another person’s order, an unknown one and a malformed one are the same 404', async () => {
  const answers = await Promise.all(
    ['A'.repeat(27), 'short', '%00', `${'B'.repeat(26)}'`].flatMap((id) => [
      origin.request(`/api/orders/${id}`),
      origin.request(`/api/orders/${id}/tickets`),
      origin.request(`/orders/${id}`),
      origin.request(`/api/orders/${id}/pay`, { method: 'POST' }),
    ]),
  )
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
  expect(answers[0]?.status).toBe(404)
})

test('a hold of another visitor and a hold that is no more cannot be ordered', async () => {
  const owner = await origin.admit()
  const holdId = await hold(origin, ['B-1-2'], owner)
  const thief = await order(origin, { holdId, visitor: await origin.admit() })
  expect(thief).toMatchObject({ status: 404, body: { code: 'not_found' } })
  await origin.request(`/api/holds/${holdId}`, { method: 'DELETE', headers: owner })
  const late = await order(origin, { holdId, visitor: owner })
  expect(late).toMatchObject({ status: 409, body: { code: 'hold_expired' } })
})

test('the order’s page opens by its link alone, and its address is not passed on', async () => {
  const { orderId } = await place(origin, ['B-1-3'])
  const page = await origin.request(`/orders/${orderId}`)
  expect(page.status).toBe(200)
  expect(page.headers.get('referrer-policy')).toBe('same-origin')
  expect(page.text).toContain(orderId)
  expect(page.text).toContain('Tiny &lt;Show&gt;')
  expect(page.text).not.toContain('{{')
})
