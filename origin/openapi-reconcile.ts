// The shape of the answer about cron's repairs, in zod, for `openapi.ts`.

import { z } from 'zod'
import { lastRun } from './reconcile/reconcile.ts'
import { waiting } from './reconcile/waiting.ts'

export const reconciled = z.object({
  repairs: z.record(z.string(), z.int()).describe('kind → how many since the beginning'),
  lastRun: lastRun.nullable().describe('null before the first'),
  waiting,
})
