// What buyers are told and how: the words, the adapter to Resend against a stand-in, and the log that keeps secrets.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLogNotifier } from '../../origin/notify/log-notifier.ts'
import { composeMessage, type News } from '../../origin/notify/messages.ts'
import { MessageRefused, NotifierUnavailable, type BuyerMessage } from '../../origin/notify/notifier.ts'
import { createResendNotifier } from '../../origin/notify/resend.ts'
import { API_KEY, startMailServer, type MailServer } from './mail-server.ts'
import { FROM, PUBLIC, setUpOutbox } from './outbox-setup.ts'

const message: BuyerMessage = {
  key: 'NUM/order.paid/7',
  kind: 'paid',
  order: 'NUM',
  to: 'ada@example.com',
  subject: 'Subject',
  text: 'Text with https://tickets.example/orders/secret',
  html: '<p>Html</p>',
}

const news: News = {
  kind: 'paid',
  number: '7K3M-9QXA',
  buyerName: 'Ada <script>',
  eventName: 'Tom & Jerry\r\nBcc: everyone@example.com',
  performanceName: 'Night "one"',
  startsAt: new Date('2026-12-24T20:00:00Z'),
  seats: [
    { section: 'Front', row: '1', label: '5' },
    { section: 'Standing <area>', row: 'GA', label: '17' },
  ],
  amount: 10_550,
  currency: 'EUR',
  link: 'https://tickets.example/orders/abc?a=1&b="2"',
}

describe('the words', () => {
  test('a sale names number, event, time, seats, total and link', () => {
    const { subject, text } = composeMessage(news)
    expect(subject).toBe('Your tickets for Tom & Jerry Bcc: everyone@example.com (order 7K3M-9QXA)')
    expect(text).toContain('Your order 7K3M-9QXA is paid: €105.50.')
    expect(text).toMatch(/Thursday,? 24 December 2026/)
    expect(text).toContain('20:00 UTC')
    expect(text).toContain('- Front, row 1, seat 5\n- Standing <area>, place 17\n')
    expect(text).toContain(news.link)
  })

  test.each(['paid', 'refunded', 'voided'] as const)(
    '%s: nothing that a name holds becomes markup',
    (kind) => {
      const { html } = composeMessage({ ...news, kind })
      expect(html).not.toMatch(/<script|<area|"one"|b="2"/)
      expect(html).toContain('Ada &lt;script&gt;')
      expect(html).toContain('href="https://tickets.example/orders/abc?a=1&amp;b=&quot;2&quot;"')
    },
  )

  test.each([
    ['JPY', 10_550, '¥10,550'],
    ['KWD', 10_550, 'KWD 10.550'],
  ])('amounts have their currency’s decimals: %s', (currency, amount, shown) => {
    expect(composeMessage({ ...news, currency, amount }).text.replaceAll('\u00a0', ' ')).toContain(shown)
  })

  test('a refund names the amount and the seats that are given up; one of fees alone names none', () => {
    expect(composeMessage({ ...news, kind: 'refunded' }).text).toContain('their tickets are void')
    const { text } = composeMessage({ ...news, kind: 'refunded', seats: [] })
    expect(text).toContain('We have refunded €105.50')
    expect(text).not.toContain('void')
  })

  test('a void says that nothing was taken', () => {
    expect(composeMessage({ ...news, kind: 'voided' }).text).toContain('Nothing was taken')
  })

  test('without a public address there is no link', () => {
    const { text, html } = composeMessage({ ...news, link: undefined })
    expect(text + html).not.toMatch(/https?:|href/)
    expect(text).toContain('the page of your order')
  })
})

describe('Resend', () => {
  let mails: MailServer
  beforeAll(async () => {
    mails = await startMailServer()
  })
  beforeEach(() => mails.clear())
  afterAll(() => mails.stop())
  const notifier = () =>
    createResendNotifier({ apiUrl: mails.url, apiKey: API_KEY, from: FROM, timeoutMs: 200 })
  const failure = async (): Promise<unknown> => {
    try {
      await notifier().tell(message)
      return undefined
    } catch (error) {
      return error
    }
  }

  test('is sent sender, addressee, subject, text and html, with key and credentials', async () => {
    await notifier().tell(message)
    expect(mails.sent.get(message.key)).toEqual({
      from: FROM,
      to: [message.to],
      subject: message.subject,
      text: message.text,
      html: message.html,
    })
    expect(mails.requests).toEqual([{ key: message.key, authorization: `Bearer ${API_KEY}` }])
  })

  test.each([
    [401, 'invalid_api_key'],
    [403, 'validation_error'],
    [409, 'concurrent_idempotent_requests'],
    [429, 'daily_quota_exceeded'],
    [500, 'application_error'],
    [503, ''],
  ])('%i %s is for later', async (status, name) => {
    mails.refuse({ status, body: { name, message: 'no' } })
    expect(await failure()).toBeInstanceOf(NotifierUnavailable)
  })

  test.each([400, 404, 405, 413, 422])('%i is for good', async (status) => {
    mails.refuse({ status, body: { name: 'invalid_parameter', message: 'bad address ada@example.com here' } })
    const error = await failure()
    expect(error).toBeInstanceOf(MessageRefused)
    expect((error as Error).message).toBe(`${status} invalid_parameter bad address (address) here`)
  })

  test('a key that was used for other words was sent before', async () => {
    mails.refuse({ status: 409, body: { name: 'invalid_idempotent_request', message: 'other payload' } })
    expect(await failure()).toBeUndefined()
  })

  test('an answer that is no JSON, and none at all, are for later', async () => {
    mails.refuse({ status: 502, body: '<html>' }, { times: 1 })
    expect(await failure()).toBeInstanceOf(NotifierUnavailable)
    void mails.hang()
    expect(await failure()).toMatchObject({ name: 'NotifierUnavailable', message: 'no answer: TimeoutError' })
  })

  test('the wait that a limit asks for is passed on', async () => {
    mails.refuse({ status: 429, headers: { 'retry-after': '2' } }, { times: 1 })
    expect(await failure()).toMatchObject({ retryAfterMs: 2_000 })
  })
})

test('the log has kind and number, and neither address nor words nor link', async () => {
  const logged = vi.spyOn(console, 'log').mockReturnValue()
  await createLogNotifier().tell(message)
  const line = String(logged.mock.calls[0]?.[0])
  logged.mockRestore()
  expect(JSON.parse(line)).toEqual({
    level: 'info',
    message: 'a buyer is told',
    kind: 'paid',
    order: 'NUM',
    key: message.key,
  })
})

describe('the consumer', () => {
  const outbox = setUpOutbox()
  const { sell, run } = outbox

  test('tells of a sale, of refunds and of released money, with the order’s link and its own key', async () => {
    const sale = await sell([0, 1])
    const rows = [
      await outbox.paid(sale),
      await outbox.refunded(sale, { amount: 5_250, seats: [1], whole: false }),
      await outbox.closed(sale, 'voided'),
      await outbox.closed(sale, 'failed'),
    ]
    await run()
    const topics = ['order.paid', 'order.refunded', 'order.closed', 'order.closed']
    const keys = topics.map((topic, at) => `${sale.number}/${topic}/${rows[at]}`)
    expect([...outbox.mails.sent.keys()].toSorted((a, b) => a.localeCompare(b))).toEqual(
      keys.toSorted((a, b) => a.localeCompare(b)),
    )
    const refund = outbox.mails.sent.get(keys[1] ?? '')
    expect(refund?.text).toContain('€52.50')
    expect(refund?.text).toContain('Front, row 1, seat 2')
    expect(refund?.text).not.toContain('seat 1')
    for (const { text, html } of outbox.mails.sent.values()) {
      expect(text).toContain(`${PUBLIC}/orders/${sale.order}`)
      expect(text, 'the operator’s words are not the buyer’s').not.toContain('kind')
      expect(html).toContain('Ada &lt;b&gt;Buyer')
    }
  })

  test('says nothing of orders that were never paid', async () => {
    const sale = await sell([0])
    await outbox.closed(sale, 'expired')
    await outbox.closed(sale, 'cancelled')
    await run()
    expect(outbox.mails.requests).toEqual([])
    expect(await outbox.open()).toBe(0)
  })

  test('waits as long as the provider’s limit asks, and then goes on', async () => {
    for (let n = 0; n < 3; n += 1) await outbox.paid(await sell([n]))
    outbox.mails.refuse({ status: 429, headers: { 'retry-after': '0' } }, { times: 4 })
    await run()
    expect(outbox.mails.sent.size).toBe(3)
  })

  test('stops at the first sign of an outage, and tries the rest later', async () => {
    for (let n = 0; n < 5; n += 1) await outbox.paid(await sell([n]))
    outbox.mails.refuse({ status: 503 })
    await run()
    expect(outbox.mails.requests.length).toBeLessThanOrEqual(2)
    outbox.mails.accept()
    await run()
    expect(outbox.mails.sent.size).toBe(5)
    expect(await outbox.open()).toBe(0)
  })

  test('neither address, name nor link is in any line of the log', async () => {
    const sale = await sell([0])
    await outbox.paid(sale)
    outbox.mails.refuse({ status: 422, body: { name: 'invalid_to', message: 'ada@example.com is no good' } })
    await run()
    const lines = [...vi.mocked(console.error).mock.calls, ...vi.mocked(console.log).mock.calls]
      .flat()
      .join('\n')
    expect(lines).toContain('a message was buried')
    expect(lines).not.toMatch(new RegExp(`ada@example|Ada|${sale.order}`))
  })
})
