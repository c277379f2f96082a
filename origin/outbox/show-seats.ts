// The consumer `seats`: brings the map in Redis to what Postgres has for the seats of a message. Called by `deliver`.
// A message says which seats, never what they are: messages of one seat may come late, twice and in the wrong order.
// What is shown here is true for the reading it was made from; `recordHandled` has a message handled again whose seats changed since.

import { ORDINALS_LIMIT } from '../../src/redis/seat-arguments.ts'
import type { BaseMark } from '../../src/redis/seat-marks.ts'
import type { SeatStore } from '../../src/redis/seats.ts'
import type { BlockReason } from '../../src/db/halls.ts'
import type { Parts } from '../env.ts'
import { lateHoldId } from '../orders/retake.ts'
import { seatsChanged } from '../stock.ts'
import type { MessageOf, OutboxMessage } from './message.ts'
import type { SeatStanding } from './standing.ts'

const BASE_MARKS: Readonly<Record<BlockReason, BaseMark>> = { blocked: 'b', house: 'b', accessible: 'a' }

/** Throws `StoreUnavailable`; a repeat shows the same again. */
export async function showSeats(
  parts: Parts,
  message: OutboxMessage,
  standings: readonly SeatStanding[],
): Promise<void> {
  const { seats } = parts
  const { id, performance, topic } = message
  // A fresh one each, and not the row's id: the scripts remember requests, and this message may have to be shown again.
  const requestId = () => `${id}:${crypto.randomUUID()}`
  const confirm = async (hold: string, some: readonly SeatStanding[]) => {
    for (const ordinals of inChunks(some)) await seats.confirm(performance, hold, ordinals)
  }
  const free = async (some: readonly SeatStanding[]) => {
    for (const ordinals of inChunks(some)) await seats.free(performance, ordinals, { requestId: requestId() })
  }
  const change = async (mark: BaseMark, some: readonly SeatStanding[]) => {
    for (const ordinals of inChunks(some)) {
      await seats.change(performance, { requestId: requestId(), ordinals, mark })
    }
  }
  if (topic === 'seats.changed') {
    for (const [mark, some] of Map.groupBy(standings, baseMark)) await change(mark, some)
  } else {
    const sold = Map.groupBy(standings, ({ order }) => order)
    for (const [order, some] of sold) {
      if (order === null) await free(some)
      // With the hold that led to the sale, so that it ends; its other seats are given back.
      else if (order === message.order && topic === 'seats.sold') await confirm(message.payload.hold, some)
      else await confirm(`shown:${requestId()}`, some)
    }
    if (topic === 'seats.sold' && !sold.has(message.order)) await endHold(seats, message, standings)
  }
  seatsChanged(parts, message.performance)
}

/** Sold and given back before anybody heard of the sale: nothing else ends the hold that led to it. */
async function endHold(
  seats: SeatStore,
  { performance, payload: { hold } }: MessageOf<'seats.sold'>,
  standings: readonly SeatStanding[],
): Promise<void> {
  const session = standings[0]?.session ?? null
  if (session === null) return
  for (const id of [hold, lateHoldId({ holdId: hold })]) await seats.release(performance, id, { session })
}

const baseMark = ({ reason }: SeatStanding): BaseMark => (reason === null ? 'f' : BASE_MARKS[reason])

function* inChunks(standings: readonly SeatStanding[]): Generator<readonly number[]> {
  const ordinals = standings.map(({ ordinal }) => ordinal)
  for (let from = 0; from < ordinals.length; from += ORDINALS_LIMIT) {
    yield ordinals.slice(from, from + ORDINALS_LIMIT)
  }
}
