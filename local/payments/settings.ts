// What operators and tests may tune on the payment simulator. The object stays the same while it runs and may be
// assigned to: every part reads it at the moment of use. It holds no API keys: those are fixed at the start.

import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { REFUND_STATUSES } from './records.ts'
import { OUTCOME_NAMES } from './test-cards.ts'

const milliseconds = z.number().min(0)

const settingsSchema = z.strictObject({
  /** Where events are posted; an event that happens while there is none is recorded and goes nowhere. */
  webhookUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** Signs every event; the whole text, prefix included, is the HMAC key, as at Stripe. */
  webhookSecret: z.string().min(1),
  /** Share of `pm_card_ratio` and of its card number that succeeds: 0 to 1. */
  successRatio: z.number().min(0).max(1).default(0.8),
  /** Decides which of those succeed: the same seed gives the same sequence, a changed seed begins its own. */
  seed: z.union([z.number(), z.string()]).default(() => randomUUID()),
  /** Milliseconds that the bank thinks before it answers a confirmation or a capture. */
  delayMs: z
    .union([milliseconds, z.object({ min: milliseconds, max: milliseconds })])
    .refine((delay) => typeof delay === 'number' || delay.min <= delay.max, 'min must not be above max')
    .default(0),
  /** Milliseconds before each repetition of a webhook that was not answered with 2xx. Stripe's live schedule takes days. */
  webhookRetryMs: z.array(milliseconds).readonly().default([1_000, 5_000, 30_000, 120_000]),
  /** What a refund is at first; a pending or succeeded one may still be settled otherwise. */
  refundStatus: z.enum(REFUND_STATUSES).default('succeeded'),
  /** Events are recorded, and go out only by `resend`: lets a test choose their order. */
  holdWebhooks: z.boolean().default(false),
  /** Card number (digits only) → outcome; adds to the built-in test cards or overrules them. */
  cards: z.record(z.string().regex(/^\d{12,19}$/), z.enum(OUTCOME_NAMES)).default({}),
})

export type PaymentSettings = z.output<typeof settingsSchema>
export type PaymentSettingsInput = z.input<typeof settingsSchema>

/** Throws a ZodError that names every unacceptable setting. */
export function parseSettings(input: PaymentSettingsInput): PaymentSettings {
  return settingsSchema.parse(input)
}
