// An hour of a sale in which three of ten who are called do not come: how many reach the origin, minute by minute, and
// whether the order of calls is the order of places. Visitors do what the page does: poll, see the call, claim.
// SEED repeats a run; it is printed.

import { afterAll, beforeAll, expect, it as anyIt } from 'vitest'
import { FASTEST } from '../kinds.ts'
import { startDirectServers } from './direct.ts'
import { randomFrom, SEED } from './random.ts'
import { QueueUnderTest, range, type Servers } from './support.ts'

// js-redis-server is too slow for an hour.
const it = anyIt.skipIf(FASTEST !== 'redis-server')

let servers: Servers
beforeAll(async () => {
  if (FASTEST === 'redis-server') servers = await startDirectServers()
})
afterAll(() => servers?.stop())

const HOUR_SECONDS = 3_600
const WINDOW_SECONDS = 30
const LATE_GRACE_SECONDS = 90
const NO_SHOWS = 0.3
/** Of those who do not come in time, so many come late. */
const LATE = 0.3
const LATE_POLL_SECONDS = 5
/** Any minute lies within so many square roots of the rate; two and a half were seen. */
const DEVIATIONS = 4

interface Hour {
  /** Simulated milliseconds from the first call on, one for each who reached the origin. */
  readonly admittedAtMs: readonly number[]
  readonly lengthMs: number
  readonly calls: number
  readonly noShows: number
  readonly lateAdmissions: number
  /** Calls of a visitor while one with a lower place still waited, or after one with a higher place. */
  readonly inversions: number
  /** Zero would mean that the rate could not be reached. */
  readonly fewestWaiting: number
}

async function simulateHour(rate: number, random: () => number): Promise<Hour> {
  const queue = new QueueUnderTest(servers, {
    new_users_per_minute: rate,
    total_active_users: 1_000_000,
    claim_window: WINDOW_SECONDS,
    late_grace: LATE_GRACE_SECONDS,
    session_duration: 1,
  })
  const admittedAtMs: number[] = []
  const claimsAt = new Map<number, number[]>()
  const late = new Set<number>()
  let [joined, noShows, lateAdmissions, calls, inversions] = [0, 0, 0, 0, 0]
  let highestFirstCall = 0
  let fewestWaiting = Number.POSITIVE_INFINITY
  let calledBefore = new Set<number>()

  const comeAt = (second: number, visitor: number) =>
    claimsAt.set(second, [...(claimsAt.get(second) ?? []), visitor])

  async function arrive(count: number): Promise<void> {
    await queue.join(...range(joined, count))
    joined += count
  }

  /** How one who is called behaves: comes after a poll and a moment, or too late, or never. */
  function decide(visitor: number, second: number): void {
    if (random() >= NO_SHOWS) return void comeAt(second + 1 + Math.floor(random() * 24), visitor)
    noShows += 1
    if (random() >= LATE) return
    late.add(visitor)
    comeAt(second + WINDOW_SECONDS + 1 + Math.floor(random() * (LATE_GRACE_SECONDS - 10)), visitor)
  }

  async function claim(second: number, nowMs: number): Promise<void> {
    const due = claimsAt.get(second) ?? []
    claimsAt.delete(second)
    if (due.length === 0) return
    for (const [i, { status }] of (await queue.claim(...due)).entries()) {
      const visitor = due[i] ?? 0
      if (status === 'admitted') {
        admittedAtMs.push(nowMs)
        if (late.has(visitor)) lateAdmissions += 1
      } else if (late.has(visitor) && status === 'waiting') {
        comeAt(second + LATE_POLL_SECONDS, visitor)
      } else {
        throw new Error(`visitor ${visitor} came in time and was answered ${status}`)
      }
    }
  }

  // A quarter of an hour's calls wait already; then as many arrive as are called, more or less.
  for (let left = rate * 15; left > 0; left -= 500) await arrive(Math.min(500, left))
  const arrivalsASecond = rate / (1 - NO_SHOWS) / 60
  const startMs = await queue.now()
  let movedMs = 0
  const nowMs = async () => (await queue.now()) - startMs + movedMs
  for (let second = 0; second < HOUR_SECONDS; second += 1) {
    // What the machine needed for the step belongs to the second.
    const stepMs = Math.max(0, second * 1_000 - (await nowMs()))
    movedMs += stepMs
    await queue.elapse(stepMs)
    const arrivals = Math.floor(random() * 2 * arrivalsASecond + random())
    if (arrivals > 0) await arrive(arrivals)

    const { snapshot } = await queue.advance()
    const called = await queue.members('called')
    const fresh = called.filter((visitor) => !calledBefore.has(visitor))
    const firstCalls = fresh.filter((visitor) => queue.placeOf(visitor) > highestFirstCall)
    inversions += fresh.filter(
      (visitor) =>
        queue.placeOf(visitor) > (snapshot.front[0] ?? Number.POSITIVE_INFINITY) ||
        (queue.placeOf(visitor) <= highestFirstCall && !late.has(visitor)),
    ).length
    for (const visitor of firstCalls) decide(visitor, second)
    highestFirstCall = Math.max(highestFirstCall, ...firstCalls.map((visitor) => queue.placeOf(visitor)))
    calls += fresh.length
    await claim(second, snapshot.at - startMs + movedMs)
    calledBefore = new Set(called)
    fewestWaiting = Math.min(fewestWaiting, snapshot.waiting)
  }
  await queue.expectCountsToHold()
  return { admittedAtMs, lengthMs: await nowMs(), calls, noShows, lateAdmissions, inversions, fewestWaiting }
}

/** Fewest and most admissions in any minute that begins at a whole second after `fromMs`. */
function minutesOf({ admittedAtMs, lengthMs }: Hour, fromMs: number): { fewest: number; most: number } {
  const counts = range(Math.ceil(fromMs / 1_000), Math.floor((lengthMs - 60_000 - fromMs) / 1_000)).map(
    (second) => {
      const start = second * 1_000
      return admittedAtMs.filter((at) => at >= start && at < start + 60_000).length
    },
  )
  return { fewest: Math.min(...counts), most: Math.max(...counts) }
}

it.each([7, 60, 600])(
  'with three no-shows in ten, %i a minute reach the origin, and all in order',
  { timeout: 120_000 },
  async (rate) => {
    console.log(`exactness: SEED=${SEED}`)
    const hour = await simulateHour(rate, randomFrom(SEED + rate))
    const configured = (rate * hour.lengthMs) / 60_000
    const off = hour.admittedAtMs.length / configured - 1
    const { fewest, most } = minutesOf(hour, 2 * WINDOW_SECONDS * 1_000)
    console.log(
      `${rate} a minute: ${hour.admittedAtMs.length} of ${configured.toFixed(0)} reached the origin (${(100 * off).toFixed(2)} %); ` +
        `any minute ${fewest} to ${most}; ${hour.calls} calls, ${hour.noShows} no-shows, of whom ${hour.lateAdmissions} came in late; ` +
        `${hour.inversions} out of order`,
    )

    expect(hour.inversions).toBe(0)
    expect(hour.fewestWaiting).toBeGreaterThan(0)
    expect(hour.noShows / hour.calls).toBeGreaterThan(0.2)
    expect(hour.lateAdmissions).toBeGreaterThan(0)
    expect(Math.abs(off)).toBeLessThanOrEqual(0.02)
    // Visitors take a second to half a minute to come: a minute differs from the rate by what chance makes of that.
    const chance = DEVIATIONS * Math.sqrt(rate)
    expect(most).toBeLessThanOrEqual(rate + chance)
    expect(fewest).toBeGreaterThanOrEqual(rate - chance)
  },
)
