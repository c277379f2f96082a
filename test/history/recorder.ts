// Writes down what clients call and what they are told, in the order in which it happens. Each client has a seat store of its
// own over a network that loses, repeats and delays. A call whose reply never came is kept without an answer.

import type { Redis } from '@upstash/redis/cloudflare'
import type { Faults } from '../../local/faults.ts'
import type { CommandRequest } from '../../local/upstash/request.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { createSeatStore, type SeatStore } from '../../src/redis/seats.ts'
import type { Operation } from './operations.ts'
import type { Random } from './random.ts'

/** Longer than the client of the tests waits: what is delayed by it is done after the client has asked again, or given up. */
const LATE_MS = 450

type Kind = Operation['kind']
type RequestOf<K extends Kind> = Extract<Operation, { kind: K }>['request']
type AnswerOf<K extends Kind> = NonNullable<Extract<Operation, { kind: K }>['answer']>

export interface Client {
  readonly store: SeatStore
  /** Undefined where no answer came. */
  record<K extends Kind>(
    kind: K,
    request: RequestOf<K>,
    call: () => Promise<AnswerOf<K>>,
  ): Promise<AnswerOf<K> | undefined>
}

export class Recorder {
  #events = 0
  readonly #calls: { operation: Operation; text: string }[] = []
  /** What a request says -> how often Redis was asked it by the gateway, and when last. */
  readonly #carried = new Map<string, { times: number; lastMs: number }>()

  get count(): number {
    return this.#calls.length
  }

  /** Every reply may be lost, every request repeated or late, for as long as the faults are not cleared. */
  trouble(faults: Faults<CommandRequest>, random: Random): void {
    faults.set({ kind: 'drop-reply' }, () => random.chance(0.04))
    faults.set({ kind: 'duplicate' }, (request) => {
      const twice = random.chance(0.04)
      if (twice) this.#count(request)
      return twice
    })
    faults.set({ kind: 'delay', ms: 30, when: 'after' }, () => random.chance(0.04))
    faults.set({ kind: 'delay', ms: 15 }, () => random.chance(0.04))
    faults.set({ kind: 'delay', ms: LATE_MS }, () => random.chance(0.01))
    faults.set({ kind: 'status', status: 503 }, () => random.chance(0.01))
    // Hits nothing: it counts.
    faults.set({ kind: 'drop-reply' }, (request) => {
      this.#count(request)
      return false
    })
  }

  client(name: string, redis: Redis): Client {
    let text = ''
    const listening = new Proxy(redis, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property)
        if ((property !== 'evalsha' && property !== 'eval') || typeof member !== 'function') return member
        return (script: string, keys: string[], values: string[]): unknown => {
          text = [...keys, ...values].join(' ')
          return Reflect.apply(member, target, [script, keys, values])
        }
      },
    })
    return {
      store: createSeatStore(listening),
      record: async (kind, request, call) => {
        const called = this.#next()
        const calledMs = Date.now()
        text = ''
        const answer = await call().catch((error: unknown) => {
          if (error instanceof StoreUnavailable) return undefined
          throw error
        })
        const times =
          answer === undefined
            ? { answered: Number.POSITIVE_INFINITY, answeredMs: Number.POSITIVE_INFINITY }
            : { answered: this.#next(), answeredMs: Date.now(), answer }
        // Kind, request and answer belong together by the type of this function.
        const operation = {
          kind,
          client: name,
          request,
          called,
          calledMs,
          copies: 0,
          overMs: 0,
          ...times,
        } as Operation
        this.#calls.push({ operation, text })
        return answer
      },
    }
  }

  /** In the order of the calls. Of requests with the same words any may be the one that was carried again. */
  history(): Operation[] {
    const asked = new Map<string, number>()
    for (const { text } of this.#calls) asked.set(text, (asked.get(text) ?? 0) + 1)
    const durations = this.#calls.map(({ operation }) => operation.answeredMs - operation.calledMs)
    // What the gateway has in hand is done no later than this: no call that was answered took longer.
    const longestMs = Math.max(...durations.filter(Number.isFinite))
    return this.#calls
      .map(({ operation, text }) => {
        const { times, lastMs } = this.#carried.get(text) ?? { times: 0, lastMs: operation.calledMs }
        const copies = Math.max(0, times - (asked.get(text) ?? 0))
        return { ...operation, copies, overMs: lastMs + LATE_MS + longestMs }
      })
      .toSorted((a, b) => a.called - b.called)
  }

  #count({ commands }: CommandRequest): void {
    for (const command of commands) {
      const text = command.slice(3).join(' ')
      const times = (this.#carried.get(text)?.times ?? 0) + 1
      this.#carried.set(text, { times, lastMs: Date.now() })
    }
  }

  #next(): number {
    this.#events += 1
    return this.#events
  }
}
