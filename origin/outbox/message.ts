// A row of the outbox as it travels through the stream: its topics, their payloads, and which consumers each is for.
// Pure. The stream says which row; whether it was handled, and what is true now, Postgres says.

import { z } from 'zod'
import type { OutboxTopic } from '../../src/db/orders.ts'

/** Groups of the stream. `seats`: the map in Redis. `notify`: buyers. `totals`: counters for operators. */
export const CONSUMERS = ['seats', 'notify', 'totals'] as const
export type Consumer = (typeof CONSUMERS)[number]

/** The others pass the message by. A row is handled when all of these have. */
export const CONSUMERS_OF: Readonly<Record<OutboxTopic, readonly Consumer[]>> = {
  'seats.sold': ['seats', 'totals'],
  'seats.freed': ['seats', 'totals'],
  'seats.changed': ['seats'],
  'order.paid': ['notify', 'totals'],
  'order.closed': ['notify', 'totals'],
  'order.refunded': ['notify', 'totals'],
}

const ordinals = z.array(z.int().min(0)).min(1)
const number = z.string()
const event = z.string()
const currency = z.string().length(3)
const minor = z.int().min(0)

const payloads = z.discriminatedUnion('topic', [
  z.object({ topic: z.literal('seats.sold'), payload: z.object({ hold: z.string(), ordinals }) }),
  z.object({ topic: z.literal('seats.freed'), payload: z.object({ ordinals }) }),
  // What the seats are set to is read from Postgres: two changes of a seat may come in the wrong order.
  z.object({ topic: z.literal('seats.changed'), payload: z.object({ ordinals }) }),
  z.object({
    topic: z.literal('order.paid'),
    payload: z.object({ number, event, total: minor, currency }),
  }),
  z.object({
    topic: z.literal('order.closed'),
    payload: z.object({ number, event, outcome: z.enum(['voided', 'cancelled', 'expired', 'failed']) }),
  }),
  z.object({
    topic: z.literal('order.refunded'),
    payload: z.object({
      number,
      event,
      amount: minor,
      currency,
      seats: z.array(z.int().min(0)),
      whole: z.boolean(),
    }),
  }),
])

const fieldsSchema = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number),
  /** Empty for what is about no order. */
  order: z.string(),
  performance: z.string(),
})

export type OutboxMessage = z.infer<typeof fieldsSchema> & z.infer<typeof payloads>
export type MessageOf<Topic extends OutboxTopic> = Extract<OutboxMessage, { topic: Topic }>

/** What the stream has of a row. */
export interface OutboxRow {
  readonly id: number
  readonly topic: string
  readonly orderId: string
  readonly performanceId: string
  readonly payload: unknown
}

export const toFields = (row: OutboxRow): Record<string, string> => ({
  id: String(row.id),
  topic: row.topic,
  order: row.orderId,
  performance: row.performanceId,
  payload: JSON.stringify(row.payload),
})

/** Throws for what no version of this code could have written, or only a newer one: ZodError, SyntaxError. */
export function parseMessage(fields: Readonly<Record<string, string>>): OutboxMessage {
  const payload: unknown = JSON.parse(fields['payload'] ?? 'null')
  return { ...fieldsSchema.parse(fields), ...payloads.parse({ topic: fields['topic'], payload }) }
}
