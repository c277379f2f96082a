// The shapes of the answers about the outbox, in zod, for `openapi.ts`.

import { z } from 'zod'

export const deadLetter = z.object({
  id: z.uuid(),
  stream: z.string(),
  consumer: z.string(),
  message: z.string().describe('names the message in its stream: the row of the outbox'),
  fields: z.record(z.string(), z.string()).describe('the message as it was delivered'),
  reason: z.string(),
  attempts: z.int().describe('deliveries until it was given up'),
  deadAt: z.iso.datetime(),
  redrivenAt: z.iso
    .datetime()
    .nullable()
    .describe('when it was delivered again; its next failure is another letter'),
})
export const deadLetters = z.object({ deadLetters: z.array(deadLetter).describe('the latest first') })
export const totals = z.object({
  totals: z
    .array(
      z.object({
        name: z.string().describe('as a Prometheus series'),
        labels: z.record(z.string(), z.string()),
        value: z.int().describe('since the beginning; amounts are minor units'),
      }),
    )
    .describe('counters, which only ever grow'),
})
