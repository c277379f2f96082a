// Random interleavings of everything that can happen to a queue, on the real server, against a small model.
// SEED repeats a run, STEPS sets its length; both are printed.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { positionFrom, type PlaceProof } from '../../../src/queue/position.ts'
import type { Snapshot } from '../../../src/redis/queue.ts'
import { QueueUnderTest, startServers, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const STEPS = Number(process.env['STEPS'] ?? 2_000)
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const RATE = 30
const BURST = 4
const WINDOW_MS = 30_000
const SETTINGS = {
  new_users_per_minute: RATE,
  burst: BURST,
  total_active_users: 12,
  claim_window: WINDOW_MS / 1_000,
  late_grace: 90,
  session_duration: 2,
  admission_token_ttl: 20,
}

/** mulberry32: small, repeatable. */
function randomFrom(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d_2b_79_f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Visitor {
  readonly proof: PlaceProof
  calls: number
  /** Simulated time of the admission for this place. */
  admittedAt?: number
  left?: boolean
}

it(
  `keeps order, both limits and every count through ${STEPS} random steps`,
  { timeout: 300_000 },
  async () => {
    console.log(`properties: SEED=${SEED} STEPS=${STEPS}`)
    const random = randomFrom(SEED)
    const pick = (n: number) => Math.floor(random() * n)
    const queue = new QueueUnderTest(servers, SETTINGS)
    const visitors = new Map<number, Visitor>()
    const admissions: number[] = []
    let capacity = SETTINGS.total_active_users
    let elapsed = 0
    let latest: Snapshot | undefined
    const anyone = () => pick(visitors.size + 3)

    async function join(): Promise<void> {
      const batch = Array.from({ length: 1 + pick(6) }, anyone)
      const proven = random() < 0.3 && batch.every((n) => queue.places.has(n))
      const outcomes = proven ? await queue.joinWithProof(...batch) : await queue.join(...batch)
      for (const [i, outcome] of outcomes.entries()) {
        const n = batch[i] ?? 0
        const before = visitors.get(n)
        if (outcome.status === 'waiting' && outcome.place !== before?.proof.place) {
          // A new place: only for one who never had one, has left, was admitted, or whose late return is over.
          for (const other of visitors.values()) expect(outcome.place).toBeGreaterThan(other.proof.place)
          visitors.set(n, { proof: outcome, calls: 0 })
        } else if (outcome.status === 'admitted') {
          expect(before?.admittedAt).toBeDefined()
        }
      }
    }

    async function crowd(): Promise<void> {
      const batch = Array.from({ length: 40 }, (_, i) => visitors.size + 3 + i)
      for (const [i, outcome] of (await queue.join(...batch)).entries()) {
        if (outcome.status === 'waiting') visitors.set(batch[i] ?? 0, { proof: outcome, calls: 0 })
      }
    }

    async function claim({ alone = true } = {}): Promise<void> {
      const batch = Array.from({ length: 1 + pick(4) }, anyone).filter((n) => queue.places.has(n))
      const called = new Set(await queue.members('called'))
      const outcomes = await queue.claim(...batch)
      for (const [i, outcome] of outcomes.entries()) {
        const visitor = visitors.get(batch[i] ?? 0)
        if (outcome.status !== 'admitted' || visitor === undefined || visitor.admittedAt !== undefined)
          continue
        // Admitted without a call: never (unless another isolate calls between our two looks).
        if (alone) expect(called).toContain(batch[i])
        visitor.admittedAt = (await queue.now()) + elapsed
        admissions.push(visitor.admittedAt)
      }
    }

    async function advance(): Promise<void> {
      const before = new Set(await queue.members('called'))
      const serving = queue.seen.serving
      const { snapshot } = await queue.advance()
      const fresh = (await queue.members('called')).filter((n) => !before.has(n))
      const waiting = await queue.members('queue')
      const lowestWaiting = Math.min(...waiting.map((n) => queue.placeOf(n)))
      for (const n of fresh) {
        const visitor = visitors.get(n)
        if (visitor === undefined) throw new Error('only those who joined are called')
        visitor.calls += 1
        expect(visitor.calls).toBeLessThanOrEqual(2)
        expect(queue.placeOf(n)).toBeLessThan(lowestWaiting)
      }
      const { ended, tokens } = await state()
      if (fresh.length > 0) expect(snapshot.called + snapshot.sessions + ended).toBeLessThanOrEqual(capacity)
      const bound = BURST + (RATE * WINDOW_MS) / 60_000
      expect(tokens + snapshot.called).toBeLessThanOrEqual(bound + 1e-5)
      expect(snapshot.serving).toBeGreaterThanOrEqual(serving)
      expect(snapshot.calledTotal).toBeGreaterThanOrEqual(latest?.calledTotal ?? 0)
      expect(snapshot.leftTotal).toBeGreaterThanOrEqual(latest?.leftTotal ?? 0)
      latest = snapshot
      for (const [rank, n] of waiting.entries()) {
        const proof = visitors.get(n)?.proof
        if (proof === undefined) throw new Error('only those who joined wait')
        const shown = positionFrom(proof, snapshot)
        if (shown.exact) expect(shown).toMatchObject({ position: rank + 1, called: false })
        else expect(shown.position).toBeLessThanOrEqual(waiting.length)
      }
    }

    async function state(): Promise<{ ended: number; tokens: number }> {
      const [ended, tokens] = await servers.connection.hmget(queue.keys.state, 'ended', 'tokens')
      return { ended: Number(ended), tokens: Number(tokens) / 1e6 }
    }

    async function changeLimit(): Promise<void> {
      capacity = 1 + pick(60)
      await servers.store.override(queue.room, { total_active_users: capacity, paused: random() < 0.2 })
    }

    async function elapse(): Promise<void> {
      const ms = pick(random() < 0.2 ? 60_000 : 3_000)
      elapsed += ms
      await queue.elapse(ms)
    }

    const admitted = () =>
      [...visitors].filter(([, visitor]) => visitor.admittedAt !== undefined).map(([n]) => n)
    const chances: readonly (readonly [number, () => Promise<unknown>])[] = [
      [22, join],
      [0.5, crowd],
      [22, advance],
      [20, claim],
      [16, elapse],
      [
        8,
        async () => {
          const n = admitted()[pick(admitted().length)]
          if (n !== undefined) await queue.renew(n, { tokenLifeMs: -1 })
        },
      ],
      [
        6,
        async () => {
          await queue.leave(anyone(), pick(30_000) - 5_000)
        },
      ],
      [3, changeLimit],
      // Two isolates at once, and a reply that was lost and repeated.
      [
        3,
        async () =>
          Promise.all([join(), claim({ alone: false }), queue.servers.store.advance(queue.room, queue.seen)]),
      ],
    ]
    const total = chances.reduce((sum, [weight]) => sum + weight, 0)

    // More than the front lists, so that positions are computed and not looked up.
    await crowd()
    await crowd()
    for (let step = 0; step < STEPS; step += 1) {
      let at = random() * total
      const [, act] = chances.find(([weight]) => (at -= weight) < 0) ?? [0, advance]
      try {
        await act()
        await queue.expectCountsToHold()
      } catch (cause) {
        throw new Error(`step ${step} of SEED=${SEED}`, { cause })
      }
    }

    expect(admissions.length).toBeGreaterThan(STEPS / 100)
    const times = admissions.toSorted((a, b) => a - b)
    for (const [from, start] of times.entries()) {
      for (let to = from; to < times.length; to += 1) {
        const span = (times[to] ?? 0) - start
        // One millisecond of grain at either end of the span, one for the reply's way.
        const bound = (RATE * (span + WINDOW_MS + 50)) / 60_000 + BURST
        expect(to - from + 1, `admissions in ${span} ms, SEED=${SEED}`).toBeLessThanOrEqual(bound)
      }
    }
  },
)
