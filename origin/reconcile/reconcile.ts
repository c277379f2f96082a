// The part of cron that compares what should agree: seats and holds in Redis with Postgres, and the provider's payments with
// our orders. Repairs what differs, counts each repair, and notes the run for operators. Called by `scheduled`; every run is
// bounded, and a second at once does no harm.

import { z } from 'zod'
import { msToRfc3339 } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { reconcileAuthorisations } from './authorisations.ts'
import { readNote, writeNote } from './cron-notes.ts'
import { addRepairs, countRepairs, type Repairs } from './repairs.ts'
import { reconcileSeats } from './seats.ts'
import { complainOfLag, readWaiting } from './waiting.ts'

const NOTE = 'reconcile'
const COMPARED = { seats: reconcileSeats, authorisations: reconcileAuthorisations } as const

export const lastRun = z.object({
  at: z.iso.datetime().describe('when it ended'),
  tookMs: z.int(),
  repairs: z.record(z.string(), z.int()).describe('kind → how many'),
  failed: z.array(z.string()).describe('what could not be compared; the next run tries again'),
})
export type LastRun = z.infer<typeof lastRun>

/** Throws the first failure after everything has been compared, repaired, counted and noted. */
export async function reconcile(parts: Parts): Promise<Repairs> {
  const beganAtMs = Date.now()
  const names = Object.keys(COMPARED)
  const outcomes = await Promise.allSettled(Object.values(COMPARED).map((compare) => compare(parts)))
  const repairs = addRepairs(
    outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
  )
  const failures = outcomes.flatMap((outcome, at) => {
    if (outcome.status === 'fulfilled') return []
    logError('something could not be compared', outcome.reason, { what: names[at] })
    return [{ name: names[at] ?? '', reason: outcome.reason as unknown }]
  })
  await countRepairs(parts.db, repairs)
  const nowMs = Date.now()
  const run = {
    at: msToRfc3339(nowMs),
    tookMs: nowMs - beganAtMs,
    repairs,
    failed: failures.map(({ name }) => name),
  }
  await writeNote(parts.db, NOTE, run satisfies LastRun)
  complainOfLag(await readWaiting(parts.db))
  if (failures.length > 0) throw failures[0]?.reason
  return repairs
}

export const readLastRun = async ({ db }: Pick<Parts, 'db'>): Promise<LastRun | null> =>
  (await readNote(db, NOTE, lastRun)) ?? null
