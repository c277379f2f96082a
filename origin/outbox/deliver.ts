// Delivers what the stream has for each consumer, and sees that it is recorded in Postgres before it is acknowledged.
// Called by `pump` and `nudge`, also both at once. A consumer that fails or hangs does not hold up the others: buyers are
// told when seats and totals are done. What dies in between is delivered again, and every step bears that.

import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { concernsBuyer } from '../notify/tell-buyer.ts'
import { collect, isDue, partition, type Delivery, type Readable } from './deliveries.ts'
import { CONSUMERS, type Consumer } from './message.ts'
import { acknowledge, settleFailures, type Failure } from './settle.ts'
import { showSeats } from './show-seats.ts'
import { readStanding, recordHandled } from './standing.ts'
import { tellBuyers } from './tell-buyers.ts'
import { additionsOf } from './totals.ts'

const BATCH = 100
/** Workers have 6 outgoing connections at once. */
const AT_ONCE = 4
/** Seats that change while they are shown are shown anew at once; what changes even then is delivered again. */
const ROUNDS = 3

export interface Delivered {
  readonly messages: number
  /** The rest of the buyers could not be told now. */
  readonly buyersWait: boolean
}

/** Throws where a store cannot be asked: everything that is not acknowledged is delivered again then. */
export async function deliver(
  parts: Parts,
  {
    consumer,
    idleMs,
    budgetMs,
    without = [],
  }: {
    /** Name of this reader in the groups. */
    consumer: string
    /** Deliver again what was not acknowledged for so long; without it, only what is new. */
    idleMs?: number
    /** For telling buyers. */
    budgetMs: number
    /** Consumers that are left alone this time. */
    without?: readonly Consumer[]
  },
): Promise<Delivered> {
  const groups = CONSUMERS.filter((group) => !without.includes(group))
  const options = { consumer, count: BATCH, ...(idleMs !== undefined && { idleMs }) }
  const found = await parts.streams.readEach(OUTBOX_STREAM, groups, options)
  for (const group of groups) {
    if (!found.has(group)) logError('a consumer could not be read', 'refused by Redis', { consumer: group })
  }
  const { readable, unreadable, past } = collect(found)
  const failures: Failure[] = unreadable.map(({ error, ...delivery }) => ({ delivery, error }))
  const forBuyers: Readable[] = []
  let open: readonly Readable[] = readable
  if (open.length === 0) await acknowledge(parts, past)
  for (let round = 1; round <= ROUNDS && open.length > 0; round += 1) {
    const handled = await handle(parts, open, round === 1 ? past : [])
    failures.push(...handled.failures)
    forBuyers.push(...handled.forBuyers)
    open = handled.changed
  }
  await settleFailures(parts, failures)
  const buyersWait = await tellBuyers(parts, forBuyers, { budgetMs })
  return { messages: [...found.values()].flat().length, buyersWait }
}

interface Handled {
  readonly failures: readonly Failure[]
  /** Their seats have changed while they were shown. */
  readonly changed: readonly Readable[]
  /** News that buyers are still to be told. */
  readonly forBuyers: readonly Readable[]
}

/** Everything but the buyers. */
async function handle(
  parts: Parts,
  deliveries: readonly Readable[],
  past: readonly Delivery[],
): Promise<Handled> {
  const standing = await readStanding(parts.db, {
    ids: [...new Set(deliveries.map(({ message }) => message.id))],
    ofSeats: deliveries.filter(isAboutSeats).map(({ message }) => message),
  })
  const [due, gone] = partition(deliveries, (one) => isDue(one, standing))
  const [forBuyers, others] = partition(
    due,
    ({ consumer, message }) => consumer === 'notify' && concernsBuyer(message),
  )
  const seatsOf = ({ message }: Readable) => standing.seats.get(message.id) ?? []
  const failures: Failure[] = []
  const done: Readable[] = []
  const queue = others.values()
  const worker = async () => {
    for (const delivery of queue) {
      try {
        if (delivery.consumer === 'seats') await showSeats(parts, delivery.message, seatsOf(delivery))
        done.push(delivery)
      } catch (error) {
        failures.push({ delivery, error })
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const changedRows = await recordHandled(parts.db, {
    done: done.map(({ consumer, message }) => ({ id: message.id, consumer })),
    additions: done.flatMap(({ consumer, message }) => (consumer === 'totals' ? additionsOf(message) : [])),
    seats: done.filter(isAboutSeats).flatMap(seatsOf),
  })
  const [changed, recorded] = partition(
    done,
    ({ consumer, message }) => consumer === 'seats' && changedRows.has(message.id),
  )
  await acknowledge(parts, [...past, ...gone, ...recorded])
  return { failures, changed, forBuyers }
}

const isAboutSeats = ({ consumer }: Readable): boolean => consumer === 'seats'
