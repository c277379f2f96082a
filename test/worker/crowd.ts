// A crowd before the edge under test: visitors with addresses and tokens of their own, and what happens to all of them at
// once. Used by the tests of this folder that lose the store. Times pass by moving those that Redis holds.

import type { Redis } from 'ioredis'
import { roomKeys } from '../../src/redis/keys.ts'
import { parseRoomId } from '../../src/ids.ts'
import { ELAPSE } from '../redis/queue/support.ts'
import { freshKey, until, type Answer, type Edge } from './support.ts'

export interface Member {
  readonly visitor: string
  readonly place: number
  readonly epoch: number
  readonly queueToken: string
}

export const keysOf = (room: string): ReturnType<typeof roomKeys> => {
  const id = parseRoomId(room)
  if (id === undefined) throw new Error(`"${room}" is no name of a room`)
  return roomKeys(id)
}

/** Runs `act` for everyone, some at a time, in the order given. */
export async function forAll<T, R>(
  list: readonly T[],
  act: (item: T, index: number) => Promise<R>,
  atOnce = 40,
) {
  const results: R[] = []
  const waiting = list.entries()
  const worker = async () => {
    for (const [index, item] of waiting) results[index] = await act(item, index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

let addresses = 0
/** Of 198.18.0.0/15, which is kept for tests. */
const freshAddress = (): string => {
  addresses += 1
  return `198.18.${addresses >> 8}.${addresses & 255}`
}

export const membersOf = ({ json: { visitor, place, epoch, queueToken } }: Answer): Member => ({
  visitor,
  place,
  epoch,
  queueToken,
})

/** So many newcomers, who all have a place afterwards. */
export async function joinCrowd(edge: Edge, room: string, count: number): Promise<Member[]> {
  return await forAll(
    Array.from({ length: count }, () => freshAddress()),
    async (address) => {
      const answer = await edge.post(`/.waiting-room/${room}/join`, {
        'idempotency-key': freshKey(),
        'cf-connecting-ip': address,
      })
      if (answer.status !== 201) throw new Error(`join answered ${answer.status}: ${answer.text}`)
      return membersOf(answer)
    },
  )
}

export const bearer = ({ queueToken }: Pick<Member, 'queueToken'>): Record<string, string> => ({
  authorization: `Bearer ${queueToken}`,
})

/** Shows the queue token, as a client does that has seen a new epoch. */
export const present = (edge: Edge, room: string, member: Member): Promise<Answer> =>
  edge.post(`/.waiting-room/${room}/join`, bearer(member))

export const claim = (edge: Edge, room: string, member: Member): Promise<Answer> =>
  edge.post(`/.waiting-room/${room}/claim`, bearer(member))

/** The snapshot, once it is as `test` wants it. */
export async function snapshotOnce(
  edge: Edge,
  room: string,
  { what, is }: { what: string; is: (json: Answer['json']) => boolean },
): Promise<Answer['json']> {
  return await until(what, async () => {
    const { json } = await edge.send(`/.waiting-room/${room}/now`)
    return is(json) ? json : undefined
  })
}

export async function elapse(redis: Redis, room: string, ms: number): Promise<void> {
  const { state, called, missed, sessions, ended, places, snapshot } = keysOf(room)
  await redis.eval(ELAPSE, 6, state, called, missed, sessions, ended, places, String(ms))
  await redis.del(snapshot)
}

export const line = (redis: Redis, room: string): Promise<string[]> => redis.zrange(keysOf(room).queue, 0, -1)
export const called = (redis: Redis, room: string): Promise<string[]> =>
  redis.zrange(keysOf(room).called, 0, -1)

/** In another order, which the random numbers decide. */
export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

export const inOrder = (members: readonly Member[]): Member[] => members.toSorted((a, b) => a.place - b.place)
export const visitorsOf = (members: readonly Member[]): string[] => members.map(({ visitor }) => visitor)
