// Moves the outbox on: publishes its rows, then runs the consumers. `pump` is cron's, and does everything; `nudge` follows a
// commit, beside the answer of its request, and does what is new. Both may run many times at once, in any isolate.

import type { Streams } from '../../src/redis/streams.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { deliver } from './deliver.ts'
import { publishAgain } from './lost.ts'
import type { Consumer } from './message.ts'
import { relay, RELAY_BATCH } from './relay.ts'

/** A message that was not acknowledged is delivered again after this time. */
const IDLE_MS = 30_000
const BATCHES = 10
/** `waitUntil` ends after 30 s; cron runs every minute. */
const NUDGE_BUDGET_MS = 15_000
const PUMP_BUDGET_MS = 40_000
/** Buyers who could not be told are left to cron for so long. */
const REST_MS = 30_000
/** A nudge that takes longer was cancelled with its request. */
const ABANDONED_MS = 20_000

/** Throws the first failure after everything has been tried: what is left is done by the next run. */
export async function pump(
  parts: Parts,
  { idleMs = IDLE_MS, batches = BATCHES }: { idleMs?: number; batches?: number } = {},
): Promise<void> {
  const failures: unknown[] = []
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      failures.push(error)
    }
  }
  await attempt(async () => {
    await publishAgain(parts)
    for (let batch = 0; batch < batches && (await relay(parts)) === RELAY_BATCH; batch += 1);
  })
  await attempt(async () => {
    let without: readonly Consumer[] = []
    for (let batch = 0; batch < batches; batch += 1) {
      const options = { consumer: readerOf(parts), idleMs, budgetMs: PUMP_BUDGET_MS, without }
      const { messages, buyersWait } = await deliver(parts, options)
      if (messages === 0) return
      if (buyersWait) without = ['notify']
    }
  })
  if (failures.length > 0) throw failures[0]
}

interface Nudging {
  /** Name of this isolate among the readers of the groups: few names, since none is ever forgotten. */
  readonly reader: string
  wanted: boolean
  runningSinceMs: number | undefined
  buyersRestUntilMs: number
}

// Per isolate: its own name, and whether one of its requests is at work.
const isolates = new WeakMap<Streams, Nudging>()
const READERS = 16

function nudgingOf({ streams }: Pick<Parts, 'streams'>): Nudging {
  const known = isolates.get(streams)
  if (known !== undefined) return known
  const [random = 0] = crypto.getRandomValues(new Uint8Array(1))
  const made: Nudging = {
    reader: `origin-${random % READERS}`,
    wanted: false,
    runningSinceMs: undefined,
    buyersRestUntilMs: 0,
  }
  isolates.set(streams, made)
  return made
}

const readerOf = (parts: Parts): string => nudgingOf(parts).reader

/**
 * Returns at once. Call it after whatever wrote to the outbox: one request of an isolate at a time does it for all, so that
 * rows of the same moment share their requests. A failure is only logged, since cron does the same.
 */
export function nudge(parts: Parts): void {
  const nudging = nudgingOf(parts)
  nudging.wanted = true
  if (Date.now() - (nudging.runningSinceMs ?? -Infinity) < ABANDONED_MS) return
  parts.waitUntil(run(parts, nudging))
}

async function run(parts: Parts, nudging: Nudging): Promise<void> {
  const sinceMs = Date.now()
  nudging.runningSinceMs = sinceMs
  try {
    while (nudging.wanted && Date.now() - sinceMs < NUDGE_BUDGET_MS) {
      nudging.wanted = false
      await moveNew(parts, nudging)
    }
  } catch (error) {
    logError('the outbox waits for cron', error)
  } finally {
    if (nudging.runningSinceMs === sinceMs) nudging.runningSinceMs = undefined
  }
}

async function moveNew(parts: Parts, nudging: Nudging): Promise<void> {
  for (let published = RELAY_BATCH; published === RELAY_BATCH;) {
    published = await relay(parts)
    // What another isolate's relay has taken, that one delivers too.
    if (published === 0) return
    const resting = Date.now() < nudging.buyersRestUntilMs
    const { buyersWait } = await deliver(parts, {
      consumer: nudging.reader,
      budgetMs: NUDGE_BUDGET_MS,
      without: resting ? ['notify'] : [],
    })
    if (buyersWait) nudging.buyersRestUntilMs = Date.now() + REST_MS
  }
}
