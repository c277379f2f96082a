// Best available and general areas over HTTP, from the import of a hall to the hold: what is chosen, and how it is refused.
// The rules of choosing have tests of their own, on the script.

import { beforeAll, expect, test } from 'vitest'
import { eventFile } from '../../origin/import/event-file.ts'
import { performanceKeys } from '../../src/redis/keys.ts'
import { bringEvent } from '../origin/bring-event.ts'
import { setUpOrigin, type Visitor } from './setup.ts'

const PARK = '/api/performances/park-day/holds'
const origin = setUpOrigin()

// Rows 1 and 2 of section A stand before rows 1 and 2 of B; P is a lawn of five places, Q one of two.
beforeAll(async () => {
  const row = (label: string, y: number, tier?: string) => ({
    label,
    count: 6,
    line: { x: -3, y, dx: 6, dy: 0 },
    ...(tier !== undefined && { tier }),
  })
  await bringEvent(
    origin.database.db,
    eventFile.parse({
      format: 'foyer-event/1',
      event: { id: 'park', name: 'Park', venue: 'Park', currency: 'EUR' },
      performances: [
        {
          id: 'day',
          name: 'Day',
          startsAt: '2026-12-24T20:00:00Z',
          room: 'demo',
          tiers: [
            { id: 'near', name: 'Near', price: 5_000, fee: 250 },
            { id: 'far', name: 'Far', price: 2_000, fee: 100 },
            { id: 'lawn', name: 'Lawn', price: 1_000 },
          ],
          house: ['A-1-1', 'A-1-2', 'A-1-3'],
        },
      ],
      hall: {
        id: 'park',
        name: 'Park',
        sections: [
          { id: 'A', name: 'Front', tier: 'near', rows: [row('1', 10), row('2', 12)] },
          { id: 'B', name: 'Back', tier: 'far', rows: [row('1', 30), row('2', 32, 'near')] },
          { id: 'P', name: 'Lawn', tier: 'lawn', kind: 'general', capacity: 5 },
          { id: 'Q', name: 'Meadow', tier: 'lawn', kind: 'general', capacity: 2 },
        ],
        accessible: ['B-1-1', 'B-1-2'],
      },
    }),
  )
})

const ask = (visitor: Visitor, body: unknown, headers?: Record<string, string>) =>
  visitor.post(PARK, body, headers)

async function held(answer: Response) {
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
  const { holdId, seats, total } = (await answer.json()) as {
    holdId: string
    total: number
    seats: { id: string }[]
  }
  return { holdId, total, seats: seats.map(({ id }) => id) }
}

test('a party gets the nearest seats that are side by side, at their price; house and accessible seats are passed over', async () => {
  const visitor = await origin.visitor('a')
  const party = await held(await ask(visitor, { bestAvailable: { quantity: 4 } }))
  expect(party.seats.every((id) => id.startsWith('A-2-'))).toBe(true)
  expect(party.total).toBe(4 * 5_250)
  expect((await held(await ask(visitor, { bestAvailable: { quantity: 3, tier: 'near' } }))).seats).toEqual([
    'A-1-4',
    'A-1-5',
    'A-1-6',
  ])
  const rest = await held(
    await ask(await origin.visitor('b'), { bestAvailable: { quantity: 4, section: 'B', tier: 'far' } }),
  )
  expect(rest.seats).toEqual(['B-1-3', 'B-1-4', 'B-1-5', 'B-1-6'])
})

test('whoever needs an accessible seat gets one among their own', async () => {
  const party = await held(
    await ask(await origin.visitor('a'), { bestAvailable: { quantity: 2 }, accessible: true }),
  )
  expect(party.seats.some((id) => id === 'B-1-1' || id === 'B-1-2')).toBe(true)
})

test('a party that is too large hears how many are free, and nothing is held', async () => {
  const visitor = await origin.visitor('a')
  const answer = await ask(visitor, { bestAvailable: { quantity: 5, tier: 'far' } })
  expect(await answer.json()).toMatchObject({ status: 409, code: 'seats_taken', free: 4 })
  expect(await origin.raw.get(performanceKeys('park-day').map)).not.toContain('h')
})

test('a repeat with the same key finds the same seats, and the key is not good for another party', async () => {
  const visitor = await origin.visitor('a')
  const key = { 'Idempotency-Key': crypto.randomUUID() }
  const first = await held(await ask(visitor, { bestAvailable: { quantity: 2 } }, key))
  expect(await held(await ask(visitor, { bestAvailable: { quantity: 2 } }, key))).toEqual(first)
  const other = await ask(visitor, { bestAvailable: { quantity: 3 } }, key)
  expect(await other.json()).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
})

test('a reply that was lost between the origin and Redis holds the seats once', async () => {
  const visitor = await origin.visitor('a')
  await held(await ask(visitor, { areas: [{ section: 'P', quantity: 1 }] }))
  const { fired } = origin.upstash.faults.next('park-day.', { kind: 'drop-reply' })
  await held(await ask(visitor, { bestAvailable: { quantity: 2 } }))
  await fired
  expect(await origin.raw.get(performanceKeys('park-day').map)).toMatch(/^[^h]*hh[^h]*h[^h]*$/)
})

test('places of several areas are held by quantity, and another choice takes their place in one step', async () => {
  const visitor = await origin.visitor('a')
  const first = await held(
    await ask(visitor, {
      areas: [
        { section: 'P', quantity: 3 },
        { section: 'Q', quantity: 2 },
      ],
    }),
  )
  expect(first.total).toBe(5_000)
  expect(first.seats.map((id) => id[0]).join('')).toBe('PPPQQ')
  const short = await ask(await origin.visitor('b'), {
    areas: [
      { section: 'P', quantity: 2 },
      { section: 'Q', quantity: 1 },
    ],
  })
  expect(await short.json()).toMatchObject({
    status: 409,
    code: 'seats_taken',
    areas: [{ section: 'Q', free: 0 }],
  })
  const second = await held(
    await ask(visitor, { areas: [{ section: 'P', quantity: 5 }], replaces: first.holdId }),
  )
  expect(second.seats).toHaveLength(5)
  expect((await visitor.get(`/api/holds/${first.holdId}`)).status).toBe(409)
  await held(await ask(await origin.visitor('b'), { bestAvailable: { quantity: 2, section: 'Q' } }))
})

test.each([
  [{ bestAvailable: { quantity: 0 } }, '/bestAvailable/quantity'],
  [{ bestAvailable: { quantity: -1 } }, '/bestAvailable/quantity'],
  [{ bestAvailable: { quantity: 1.5 } }, '/bestAvailable/quantity'],
  [{ bestAvailable: { quantity: 1e9 } }, '/bestAvailable/quantity'],
  [{ bestAvailable: { quantity: 1, section: 'Z' } }, '/bestAvailable/section'],
  [{ bestAvailable: { quantity: 1, tier: 'box' } }, '/bestAvailable/tier'],
  [{ areas: [{ section: 'A', quantity: 1 }] }, '/areas/0/section'],
  [{ areas: [{ section: 'P', quantity: 0 }] }, '/areas/0/quantity'],
  [{ areas: [] }, '/areas'],
])('%j is refused by its field', async (body, field) => {
  const answer = await ask(await origin.visitor('a'), body)
  const { errors, ...problem } = (await answer.json()) as { status: number; errors: { field: string }[] }
  expect(problem.status).toBe(422)
  expect(errors.map((error) => error.field)).toEqual([field])
})
