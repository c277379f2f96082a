// Random interleavings of everything that can happen to a queue, loss of its data among it, on the real server, against a
// small model. SEED repeats a run, STEPS sets its length; both are printed.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { positionFrom, type PlaceProof } from '../../../src/queue/position.ts'
import { RECOVERY_MS } from '../../../src/redis/queue-arguments.ts'
import type { JoinOutcome, Snapshot } from '../../../src/redis/queue.ts'
import { randomFrom, SEED } from './random.ts'
import { SavedStore } from './saved-store.ts'
import { QueueUnderTest, startServers, visitorOf, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const STEPS = Number(process.env['STEPS'] ?? 10_000)
const RATE = 30
const BURST = 4
const WINDOW_MS = 30_000
/** A few minutes here, so that sessions do not fill the room for most of the run. */
const LONGEST_EXTENSION_MS = 180_000
const SETTINGS = {
  new_users_per_minute: RATE,
  burst: BURST,
  total_active_users: 12,
  claim_window: WINDOW_MS / 1_000,
  late_grace: 90,
  session_duration: 2,
  session_max_duration: 4,
  admission_token_ttl: 20,
}

interface Visitor {
  proof: PlaceProof
  /** Calls for this place since the store last lost something. */
  calls: number
  /** Simulated time of the admission for this place. */
  admittedAt?: number
  /** Simulated time until which a token of its session may be alive, and its slot must count. */
  aliveUntil?: number
  /** Simulated times at which its session ends, and until which it was extended. */
  end?: number
  extendedUntil?: number
  /** Has left the queue, or missed everything: nothing is owed to this place any more. */
  gone?: boolean
}

it.each([{ withLosses: false }, { withLosses: true }])(
  `keeps order, both limits, every place and every slot through ${STEPS / 2} random steps, losses of data: $withLosses`,
  { timeout: 600_000 },
  async ({ withLosses }) => {
    console.log(
      `properties: SEED=${SEED} STEPS=${STEPS}, half of them ${withLosses ? 'with' : 'without'} losses`,
    )
    const random = randomFrom(SEED)
    const pick = (n: number) => Math.floor(random() * n)
    const queue = new QueueUnderTest(servers, SETTINGS)
    const saved = new SavedStore(queue)
    const visitors = new Map<number, Visitor>()
    const admissions: number[] = []
    let capacity = SETTINGS.total_active_users
    let elapsed = 0
    let losses = 0
    /** Sessions that began since an isolate last looked: a loss forgets them, which is the stated bound. */
    let unseen = 0
    const now = async () => (await queue.now()) + elapsed
    let newcomers = 0
    /** Who comes again after leaving is another visitor: it has a key of its own, and no token. */
    function anyone(): number {
      const n = pick(newcomers + 3)
      if (n >= newcomers) newcomers = n + 1
      const visitor = visitors.get(n)
      const over = visitor?.gone === true || visitor?.admittedAt !== undefined
      return withLosses && over ? newcomers++ : n
    }

    /** With the token or, where nothing was ever lost, also without: after a loss only the token proves a place. */
    async function join(
      wanted = Array.from({ length: 1 + pick(6) }, anyone),
      { alone = true } = {},
    ): Promise<void> {
      const known = wanted.filter((n) => visitors.has(n))
      const batch = withLosses && known.length > 0 ? known : wanted
      const proven = known.length === batch.length && (withLosses || random() < 0.5)
      const call = () => (proven ? queue.joinWithProof(...batch) : queue.join(...batch))
      const before = batch.map((n) => visitors.get(n))
      const outcomes = await call()
      // A lost reply: the same request once more finds the same places, unless another isolate reaps in between.
      if (random() < 0.2 && alone) {
        expect((await call()).map(placeIn)).toEqual(outcomes.map(placeIn))
      }
      for (const [i, outcome] of outcomes.entries())
        note(batch[i] ?? 0, outcome, { before: before[i], proven })
    }

    function note(
      n: number,
      outcome: JoinOutcome,
      { before, proven }: { before: Visitor | undefined; proven: boolean },
    ): void {
      if (outcome.status === 'missed' && before !== undefined) before.gone = true
      if (outcome.status !== 'waiting') return
      const same = visitors.get(n)
      if (outcome.place === same?.proof.place) {
        same.proof = outcome
        delete same.gone
        return
      }
      // A new place: above every place given before, also those that the store has forgotten.
      for (const other of visitors.values()) expect(outcome.place).toBeGreaterThan(other.proof.place)
      if (proven) expect(before?.gone === true || before?.admittedAt !== undefined).toBe(true)
      visitors.set(n, { proof: outcome, calls: 0 })
    }

    const crowd = () => join(Array.from({ length: 40 }, () => newcomers++))

    async function claim({ alone = true } = {}): Promise<void> {
      const called = new Set(await queue.members('called'))
      const likely = [...called, ...visitors.keys()].slice(0, called.size * 2 + 6)
      const batch = Array.from({ length: 1 + pick(4) }, () => likely[pick(likely.length)] ?? 0)
      const outcomes = await queue.claim(...batch)
      const repeated = random() < 0.2 && alone ? await queue.claim(...batch) : outcomes
      expect(repeated.map(({ status }) => status)).toEqual(outcomes.map(({ status }) => status))
      for (const [i, outcome] of outcomes.entries()) {
        const visitor = visitors.get(batch[i] ?? 0)
        if (outcome.status === 'missed' && visitor !== undefined) visitor.gone = true
        if (outcome.status !== 'admitted' || visitor === undefined) continue
        visitor.aliveUntil = outcome.expiresAtMs + elapsed
        // A store that has forgotten the claim begins the session again.
        visitor.end = outcome.startedAtMs + elapsed + SETTINGS.session_max_duration * 60_000
        if (visitor.admittedAt !== undefined) continue
        // Admitted without a call: never (unless another isolate calls between our two looks).
        if (alone) expect(called).toContain(batch[i])
        visitor.admittedAt = await now()
        admissions.push(visitor.admittedAt)
        unseen += 1
      }
    }

    async function advance(): Promise<void> {
      const before = new Set(await queue.members('called'))
      const { serving, epoch } = queue.seen
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
      const state = await counters()
      const bound = BURST + (RATE * WINDOW_MS) / 60_000
      expect(state.tokens + snapshot.called).toBeLessThanOrEqual(bound + 1e-5)
      if (fresh.length > 0) {
        expect(['open']).toContain(snapshot.state)
        expect(snapshot.called + snapshot.sessions + state.ended).toBeLessThanOrEqual(capacity)
        // Also those whom the store has forgotten and who may come back with a living token.
        const alive = await sessionsAlive()
        expect(alive + snapshot.called).toBeLessThanOrEqual(capacity + unseen)
      }
      if (snapshot.epoch === epoch) expect(snapshot.serving).toBeGreaterThanOrEqual(serving)
      expectPositions(snapshot, waiting)
      if (losses === 0) unseen = 0
    }

    function expectPositions(snapshot: Snapshot, waiting: readonly number[]): void {
      expect(waiting.map((n) => queue.placeOf(n))).toEqual(
        waiting.map((n) => queue.placeOf(n)).toSorted((a, b) => a - b),
      )
      for (const [rank, n] of waiting.entries()) {
        const proof = visitors.get(n)?.proof
        if (proof === undefined) throw new Error('only those who joined wait')
        const shown = positionFrom(proof, snapshot)
        // More late returns than the front lists are told to ask `claim`, which answers that they still wait.
        if (rank >= 50 && proof.place <= snapshot.serving) continue
        if (shown.exact && proof.epoch === snapshot.epoch) {
          expect(shown, `visitor ${n}`).toMatchObject({ position: rank + 1, called: false })
        } else {
          expect(shown.position).toBeLessThanOrEqual(Math.max(waiting.length, proof.ahead + 1))
        }
      }
    }

    async function counters(): Promise<{ ended: number; tokens: number }> {
      const [ended, tokens] = await servers.connection.hmget(queue.keys.state, 'ended', 'tokens')
      return { ended: Number(ended), tokens: Number(tokens) / 1e6 }
    }

    async function sessionsAlive(): Promise<number> {
      const at = await now()
      return [...visitors.values()].filter(({ aliveUntil = 0 }) => aliveUntil > at + 50).length
    }

    async function changeSettings(): Promise<void> {
      capacity = 5 + pick(60)
      await servers.store.override(queue.room, {
        total_active_users: capacity,
        paused: random() < 0.1,
        sold_out: random() < 0.05,
        queue_all: random() < 0.5,
      })
      // Another isolate has seen it too: what a loss forgets comes back from there.
      await advance()
    }

    async function elapse(ms = pick(random() < 0.2 ? 60_000 : 3_000)): Promise<void> {
      elapsed += ms
      await queue.elapse(ms)
      await saved.elapse(ms)
    }

    async function renew(): Promise<void> {
      const admitted = [...visitors].filter(([, { admittedAt }]) => admittedAt !== undefined)
      const [n, visitor] = admitted[pick(admitted.length)] ?? []
      if (n === undefined || visitor === undefined) return
      const at = await now()
      const alive = (visitor.aliveUntil ?? 0) - at
      const end = visitor.end ?? 0
      // Sometimes with an older token, of another tab, that knows nothing of the extension. Not over losses: a store that has
      // forgotten an extension keeps the slot for less than the model counts it (sessions.test.ts has what comes back).
      const { extendedUntil } = visitor
      const extended =
        random() < 0.2 ? end + pick(LONGEST_EXTENSION_MS) : random() < 0.8 ? extendedUntil : undefined
      const asked = withLosses ? undefined : extended
      const outcome = await queue.renew(n, {
        endInMs: end - at,
        tokenLifeMs: alive > 0 ? Math.min(alive, 20_000) : -1,
        ...(asked !== undefined && { extendedInMs: asked - at }),
      })
      if (outcome?.status === 'renewed') {
        const expires = outcome.expiresAtMs + elapsed
        visitor.aliveUntil = expires
        visitor.extendedUntil = Math.max(extendedUntil ?? 0, asked ?? 0)
        // The store's time and ours are asked one after the other.
        const grain = 100
        expect(expires, `visitor ${n}`).toBeLessThanOrEqual(Math.max(end, visitor.extendedUntil) + grain)
        expect(expires).toBeGreaterThanOrEqual(visitor.extendedUntil - grain)
      } else delete visitor.aliveUntil
    }

    async function leave(): Promise<void> {
      const n = anyone()
      await queue.leave(n, 20_000)
      if (random() < 0.3) await queue.leave(n, 20_000)
      const visitor = visitors.get(n)
      if (visitor === undefined) return
      visitor.gone = true
      if (visitor.aliveUntil !== undefined)
        visitor.aliveUntil = Math.min(visitor.aliveUntil, (await now()) + 20_000)
    }

    /** Emptied, or fallen back to an older copy; then all who wait present their tokens, in any order. */
    async function lose(): Promise<void> {
      await (random() < 0.5 ? saved.empty() : saved.fallBack())
      losses += 1
      for (const visitor of visitors.values()) visitor.calls = 0
      await advance()
      const epoch = queue.seen.epoch
      const owed = [...visitors]
        .filter(([, v]) => v.gone !== true && v.admittedAt === undefined)
        .map(([n]) => n)
      const serving = queue.seen.serving
      for (const n of owed.toSorted(() => random() - 0.5)) {
        const outcomes = await queue.joinWithProof(n)
        const [outcome] = outcomes
        if (outcome !== undefined) note(n, outcome, { before: visitors.get(n), proven: true })
        if (queue.placeOf(n) > serving)
          expect(outcome, `visitor ${n}`).toMatchObject({ place: visitors.get(n)?.proof.place })
      }
      const waiting = await queue.members('queue')
      const kept = owed.filter((n) => queue.placeOf(n) > serving)
      expect(waiting.filter((n) => kept.includes(n)).toSorted((a, b) => a - b)).toEqual(
        kept.toSorted((a, b) => a - b),
      )
      if (queue.seen.epoch === epoch && random() < 0.7) await elapse(RECOVERY_MS)
    }

    const chances: readonly (readonly [number, () => Promise<unknown>])[] = [
      [22, join],
      [0.5, crowd],
      [22, advance],
      [20, claim],
      [24, elapse],
      [8, renew],
      [6, leave],
      [3, changeSettings],
      ...(withLosses
        ? ([
            [1, () => saved.save()],
            [0.5, lose],
          ] as const)
        : []),
      // Two isolates at once.
      [
        3,
        () =>
          Promise.all([
            join(undefined, { alone: false }),
            claim({ alone: false }),
            queue.servers.store.advance(queue.room, queue.seen),
          ]),
      ],
    ]
    const total = chances.reduce((sum, [weight]) => sum + weight, 0)

    // More than the front lists, so that positions are computed and not looked up.
    await crowd()
    await crowd()
    for (let step = 0; step < STEPS / 2; step += 1) {
      let at = random() * total
      const [, act] = chances.find(([weight]) => (at -= weight) < 0) ?? [0, () => advance()]
      try {
        await act()
        await queue.expectCountsToHold()
      } catch (cause) {
        throw new Error(`step ${step} of SEED=${SEED}`, { cause })
      }
    }

    console.log(`properties: ${visitors.size} visitors, ${admissions.length} admissions, ${losses} losses`)
    expect(admissions.length).toBeGreaterThan(STEPS / 250)
    if (losses === 0) expectRate(admissions)

    // Nothing has leaked: when all sessions and calls are over, every slot is free again.
    await servers.store.override(queue.room, { paused: true, sold_out: null, total_active_users: 50 })
    for (let i = 0; i < 40; i += 1) {
      await elapse(60_000)
      await queue.advance()
    }
    expect((await queue.advance()).snapshot).toMatchObject({ called: 0, sessions: 0 })
    expect((await counters()).ended).toBe(0)
    await servers.store.override(queue.room, { paused: null, burst: 60, new_users_per_minute: 6_000 })
    await queue.join(...Array.from({ length: 60 }, (_, i) => 1_000_000 + i))
    await queue.advance()
    await elapse(60_000)
    await queue.advance()
    await elapse(31_000)
    expect((await queue.advance()).snapshot.called).toBe(50)
    expect(visitorOf(1)).toBeDefined()
  },
)

const placeIn = (outcome: JoinOutcome): number | string =>
  'place' in outcome ? outcome.place : outcome.status

/** Claims in any T seconds <= rate x (T + claim window) + burst; a millisecond of grain at either end, and one way. */
function expectRate(admissions: readonly number[]): void {
  const times = admissions.toSorted((a, b) => a - b)
  for (const [from, start] of times.entries()) {
    for (let to = from; to < times.length; to += 1) {
      const span = (times[to] ?? 0) - start
      const bound = (RATE * (span + WINDOW_MS + 50)) / 60_000 + BURST
      expect(to - from + 1, `admissions in ${span} ms, SEED=${SEED}`).toBeLessThanOrEqual(bound)
    }
  }
}
