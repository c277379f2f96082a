// The payment provider of the local stack: Stripe's PaymentIntents over HTTP, its signed webhooks, and its payment page,
// on an origin of its own so that card data never meets our Workers. Started by the local stack and by tests.
// No money moves. Weaknesses: one account, cards only, and events only of PaymentIntents and refunds.

import { createFaults, type Faults } from '../faults.ts'
import { Bank } from './bank.ts'
import { EventLog } from './events.ts'
import { createHostedPages } from './hosted-pages.ts'
import { close, listen, type PaymentRequest, portOf } from './http.ts'
import { Ledger } from './ledger.ts'
import { Processor } from './processor.ts'
import type { Intent, Refund } from './records.ts'
import { settleRefund } from './refunds.ts'
import { createRest } from './rest.ts'
import { parseSettings, type PaymentSettings, type PaymentSettingsInput } from './settings.ts'
import { Wire } from './wire.ts'

export interface PaymentSimulatorOptions extends PaymentSettingsInput {
  /** 0, the default, finds a free port. */
  readonly port?: number
  /** What the merchant's server sends as Bearer. */
  readonly secretKey: string
  /** Lets a browser retrieve and confirm an intent with its client secret. */
  readonly publishableKey?: string
  /** Journal that keeps everything over a restart; nothing is kept without it. */
  readonly dataFile?: string
  /** Clock for tests, milliseconds since the epoch. */
  readonly now?: () => number
}

export interface PaymentSimulator {
  /** Origin of the API and of the payment page, without a slash at the end. */
  readonly url: string
  readonly port: number
  /** May be assigned to while running, for example `settings.webhookUrl = …`. */
  readonly settings: PaymentSettings
  /** What was sent, and ways to send it again, doubled, or forged. */
  readonly events: EventLog
  readonly intents: {
    /** Oldest first. */
    all(): Intent[]
    get(id: string): Intent | undefined
    /** What happens by itself after seven days: the authorisation lapses and the intent is cancelled. */
    expire(id: string): Promise<Intent>
  }
  readonly refunds: {
    /** Oldest first. */
    all(): Refund[]
    /** What the bank does after a while: pays a pending one out, or sends one back. */
    settle(id: string, status: 'succeeded' | 'failed'): Promise<Refund>
  }
  /** Texts and patterns match `METHOD /path`, for example `/POST .*\/capture$/`. */
  readonly faults: Faults<PaymentRequest>
  stop(): Promise<void>
}

/** Resolves when requests are answered. Rejects on an unacceptable setting or a taken port. */
export async function startPaymentSimulator(options: PaymentSimulatorOptions): Promise<PaymentSimulator> {
  const { port = 0, secretKey, publishableKey, dataFile, now = Date.now, ...tunable } = options
  const settings = parseSettings(tunable)
  const ledger = new Ledger(dataFile)
  let url = ''
  const wire = new Wire(ledger, () => url)
  const events = new EventLog({ ledger, settings, wire, now })
  const processor = new Processor({ ledger, settings, events, now, bank: new Bank(settings) })
  const rest = createRest({
    ledger,
    processor,
    events,
    settings,
    wire,
    now,
    keys: { secretKey, publishableKey },
  })
  const pages = createHostedPages({ ledger, processor, settings, now })
  const faults = createFaults<PaymentRequest>(({ method, path }) => `${method} ${path}`)

  const server = await listen({
    port,
    handler: (request) => (request.url.pathname.startsWith('/v1/') ? rest(request) : pages(request)),
    takeFault: faults.take,
  })
  url = `http://127.0.0.1:${portOf(server)}`
  events.resume()

  return {
    url,
    port: portOf(server),
    settings,
    events,
    intents: {
      all: () => ledger.intents.all(),
      get: (id) => ledger.intents.get(id),
      expire: (id) => processor.cancel(id, { cancellation_reason: 'automatic' }),
    },
    refunds: {
      all: () => ledger.refunds.all(),
      settle: (id, status) => settleRefund(id, status, { ledger, events, processor }),
    },
    faults: faults.controls,
    async stop() {
      await close(server)
      await events.stop()
    },
  }
}
