// Redis Streams with consumer groups over Upstash's REST: append, read, acknowledge. Called by the outbox and the import.
// Delivers at least once: a lost reply of `append` appends twice, and one of `read` delivers later, so consumers drop
// repeats by an id of their own. Never blocks (Upstash cannot); a stream or group that was lost is made anew from its start.

import type { Redis } from '@upstash/redis/cloudflare'
import { callStore, StoreUnavailable } from './client.ts'
import { claimReply, groupsReply, pendingReply, readReply, type StreamEntry } from './stream-replies.ts'

/** `deliveries` counts this one: 1 for a new message. */
export interface StreamMessage extends StreamEntry {
  readonly deliveries: number
}

export interface ReadOptions {
  /** Who has the messages until they are acknowledged. Upstash lets one consumer have 1,000 at most. */
  readonly consumer: string
  /** At most so many new messages, and at most so many that are delivered again. */
  readonly count: number
  /** What nobody has acknowledged for so long is delivered again; without it, only new messages are. */
  readonly idleMs?: number
}

export interface StreamState {
  readonly length: number
  /** Delivered and not acknowledged. */
  readonly pending: number
  /** Not delivered yet; `undefined` where the server cannot tell. */
  readonly lag: number | undefined
}

export interface Streams {
  /** Ids of the entries, in order; one request. `keep`: about so many of the newest stay. */
  append(
    stream: string,
    entries: readonly Readonly<Record<string, string>>[],
    options?: { keep?: number },
  ): Promise<string[]>
  /**
   * New messages for the group, and those that another consumer, or this one, has had for longer than `idleMs` without
   * acknowledging. Creates group and stream where they are missing. Never blocks.
   */
  read(stream: string, group: string, options: ReadOptions): Promise<StreamMessage[]>
  /**
   * The same for several groups of one stream, in one request and one more where something is delivered again. A group that
   * Redis refuses to read is left out; where it refuses all of them, that is thrown.
   */
  readEach<Group extends string>(
    stream: string,
    groups: readonly Group[],
    options: ReadOptions,
  ): Promise<ReadonlyMap<Group, readonly StreamMessage[]>>
  acknowledge(stream: string, group: string, ids: readonly string[]): Promise<void>
  /** The same for several groups, in one request. */
  acknowledgeEach(stream: string, idsByGroup: ReadonlyMap<string, readonly string[]>): Promise<void>
  /** Those of the ids whose entries are still in the stream. */
  present(stream: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /** For operators. Zeros for a stream or a group that does not exist. */
  state(stream: string, group: string): Promise<StreamState>
}

/** The store over one Upstash client. Throws `StoreUnavailable` where Redis cannot be asked (timeouts: client.ts). */
export function createStreams(redis: Redis): Streams {
  type Pipeline = ReturnType<Redis['pipeline']>
  // One XAUTOCLAIM looks at ten times `count` pending messages: the next goes on behind them, or those would be looked at
  // for ever. Per isolate; where it is lost, the search begins at the oldest.
  const cursors = new Map<string, string>()
  const cursorKey = (stream: string, group: string) => `${stream} ${group}`

  /** One request; answers each command's result, or its error as text. */
  async function pipeline(fill: (commands: Pipeline) => void): Promise<readonly Reply[]> {
    const commands = redis.pipeline()
    fill(commands)
    if (commands.length() === 0) return []
    return await callStore(async () => {
      const replies = await commands.exec<unknown[]>({ keepErrors: true })
      return replies.map(({ result, error }) => ({ result, error }))
    })
  }

  /** For each group the reply of XAUTOCLAIM, where it was asked, and that of XREADGROUP. */
  const take = (
    stream: string,
    groups: readonly string[],
    { consumer, count, idleMs }: ReadOptions,
  ): Promise<readonly Reply[]> =>
    pipeline((commands) => {
      for (const group of groups) {
        const cursor = cursors.get(cursorKey(stream, group)) ?? '0-0'
        if (idleMs !== undefined) commands.xautoclaim(stream, group, consumer, idleMs, cursor, { count })
        commands.xreadgroup(group, consumer, stream, '>', { count })
      }
    })

  async function makeGroups(stream: string, groups: readonly string[]): Promise<void> {
    const replies = await pipeline((commands) => {
      for (const group of groups) {
        commands.xgroup(stream, { type: 'CREATE', group, id: '0', options: { MKSTREAM: true } })
      }
    })
    // Another reader may have been quicker.
    for (const reply of replies) if (!reply.error?.includes('BUSYGROUP')) resultOf(reply)
  }

  const store: Streams = {
    async append(stream, entries, { keep } = {}) {
      const replies = await pipeline((commands) => {
        for (const entry of entries) {
          commands.xadd(
            stream,
            '*',
            entry,
            keep === undefined ? undefined : { trim: { type: 'MAXLEN', comparison: '~', threshold: keep } },
          )
        }
      })
      return replies.map((reply) => String(resultOf(reply)))
    },

    async read(stream, group, options) {
      return [...((await store.readEach(stream, [group], options)).get(group) ?? [])]
    },

    async readEach(stream, groups, options) {
      let replies = await take(stream, groups, options)
      if (replies.some(({ error }) => error?.includes('NOGROUP'))) {
        await makeGroups(stream, groups)
        replies = await take(stream, groups, options)
      }
      const step = options.idleMs === undefined ? 1 : 2
      const found = groups.flatMap((group, at) => {
        const own = replies.slice(at * step, (at + 1) * step)
        const refused = own.find(({ error }) => error !== undefined)
        if (refused !== undefined && groups.some((_, other) => isAnswered(replies, other, step))) return []
        const fresh = readReply.parse(resultOf(own.at(-1)))
        if (step === 1) return { group, again: [], fresh }
        const { cursor, entries } = claimReply.parse(resultOf(own[0]))
        cursors.set(cursorKey(stream, group), cursor)
        return { group, again: entries, fresh }
      })
      const deliveries = await countDeliveries(
        stream,
        found.flatMap(({ group, again }) => again.map(({ id }) => ({ group, id }))),
      )
      return new Map(
        found.map(({ group, again, fresh }) => [
          group,
          [
            ...again.map((entry) => ({ ...entry, deliveries: deliveries.get(`${group} ${entry.id}`) ?? 2 })),
            ...fresh.map((entry) => ({ ...entry, deliveries: 1 })),
          ],
        ]),
      )
    },

    acknowledge: (stream, group, ids) => store.acknowledgeEach(stream, new Map([[group, ids]])),

    async acknowledgeEach(stream, idsByGroup) {
      const replies = await pipeline((commands) => {
        for (const [group, ids] of idsByGroup) if (ids.length > 0) commands.xack(stream, group, [...ids])
      })
      for (const reply of replies) resultOf(reply)
    },

    async present(stream, ids) {
      const replies = await pipeline((commands) => {
        for (const id of ids) commands.xrange(stream, id, id, 1)
      })
      const kept = replies.map((reply) => Object.keys(resultOf(reply) ?? {}).length > 0)
      return new Set(ids.filter((_, at) => kept[at]))
    },

    async state(stream, group) {
      const [length, groups] = await pipeline((commands) => {
        commands.xlen(stream)
        commands.xinfo(stream, { type: 'GROUPS' })
      })
      const known = groups?.error?.includes('no such key') ? [] : groupsReply.parse(resultOf(groups))
      const { pending = 0, lag } = known.find(({ name }) => name === group) ?? { lag: 0 }
      return { length: Number(resultOf(length)), pending, lag }
    },
  }

  /** XAUTOCLAIM raises the count and does not tell it. */
  async function countDeliveries(stream: string, claimed: readonly { group: string; id: string }[]) {
    const replies = await pipeline((commands) => {
      for (const { group, id } of claimed) commands.xpending(stream, group, id, id, 1)
    })
    return new Map(
      claimed.flatMap(({ group, id }, at) =>
        pendingReply.parse(resultOf(replies[at])).map((times): [string, number] => [`${group} ${id}`, times]),
      ),
    )
  }

  return store
}

interface Reply {
  readonly result: unknown
  readonly error?: string | undefined
}

const isAnswered = (replies: readonly Reply[], group: number, step: number): boolean =>
  replies.slice(group * step, (group + 1) * step).every(({ error }) => error === undefined)

function resultOf(reply: Reply | undefined): unknown {
  if (reply === undefined || reply.error !== undefined) {
    throw new StoreUnavailable(reply?.error ?? 'the store answered fewer commands than it was sent')
  }
  return reply.result
}
