// Position, expected wait and polling interval, computed from a queue token and the public snapshot alone.
// Used by the edge and by the queue page in the browser: pure, no imports, no clock, no randomness (callers add jitter).

/** No waiting client polls less often: so long a called visitor can stay unaware, plus the snapshot's two seconds. */
export const LONGEST_POLL_MS = 20_000
export const SHORTEST_POLL_MS = 2_000
/** Shown in the snapshot to clients that do not compute an interval of their own. */
export const SNAPSHOT_POLL_MS = 5_000

/** What a queue token proves (its claims under the names of the code). Places in µs. */
export interface PlaceProof {
  readonly place: number
  /** Waiting ahead when the place was confirmed, exact. */
  readonly ahead: number
  /** Calls less late returns, as counted then. */
  readonly calledTotal: number
  /** Departures below this place, as counted then. */
  readonly leftTotal: number
  readonly epoch: number
}

/** The fields of the public snapshot that are read here. */
export interface QueueView {
  readonly epoch: number
  readonly at: number
  readonly state: string
  readonly serving: number
  readonly waiting: number
  readonly calledTotal: number
  readonly departures: readonly (readonly [from: number, to: number, count: number])[]
  readonly front: readonly number[]
}

export interface Position {
  /** 1 is next. While `called`, 1. */
  readonly position: number
  /**
   * The front has passed this place: ask `claim`, which decides. (While more late returns wait than `front` lists, it
   * tells those beyond that they still wait.)
   */
  readonly called: boolean
  /** False where the snapshot no longer tells on which side of the place somebody left, or is older than the place. */
  readonly exact: boolean
}

const US_PER_MS = 1_000

/**
 * Ahead at join − called since − departed since from lower places. Exact, unless the place lies inside a range of
 * departures that the snapshot has merged (then in proportion), or others are still being put back. Never below what
 * `front` proves, never above the number waiting. A late return raises it by one; whoever shows it keeps the lowest.
 */
export function positionFrom(proof: PlaceProof, view: QueueView): Position {
  const listed = view.front.indexOf(proof.place)
  if (listed >= 0) return { position: listed + 1, called: false, exact: true }
  const sameEpoch = proof.epoch === view.epoch
  if (sameEpoch && proof.place <= view.serving) return { position: 1, called: true, exact: true }

  const provenAhead = view.front.filter((place) => place < proof.place).length
  // A snapshot older than the join knows nothing since. (Within the same millisecond nothing has happened that it lacks.)
  const newer = proof.place < (view.at + 1) * US_PER_MS
  if (!sameEpoch || !newer) {
    return { position: Math.max(proof.ahead, provenAhead) + 1, called: false, exact: sameEpoch }
  }
  const departed = departedBelow(proof.place, view.departures)
  const calledSince = view.calledTotal - proof.calledTotal
  const ahead = proof.ahead - calledSince - (departed.count - proof.leftTotal)
  const position = Math.max(Math.min(ahead + 1, view.waiting), provenAhead + 1)
  return {
    position,
    called: false,
    exact: departed.exact && view.state !== 'recovering' && position === ahead + 1,
  }
}

/** As `departed_below` in departures.lua counts: inside a merged range, in proportion. */
function departedBelow(
  place: number,
  departures: QueueView['departures'],
): { count: number; exact: boolean } {
  let count = 0
  let exact = true
  for (const [from, to, left] of departures) {
    if (to < place) count += left
    else if (from < place) {
      count += Math.floor((left * (place - from)) / (to - from) + 0.5)
      exact = false
    }
  }
  return { count, exact }
}

export interface Wait {
  /** Seconds; `high` is null while nothing lets it be told (paused, all seats held, or no admission measured). */
  readonly low: number
  readonly high: number | null
}

/** What the wait is reckoned from; the fields of the public snapshot. */
export interface Pace {
  readonly state: string
  readonly ratePerMinute: number
  readonly free: number
  readonly admittedPerMinute: number
  /** Seats that can still be had; left out or null where none are reported. */
  readonly stock?: { readonly left: number } | null
}

/**
 * Seconds until the call; `undefined` where nobody is being called. As far as slots are free the line moves at the rate
 * that the settings allow, and nobody before has to leave; beyond that as fast as was measured. A quarter either way, since
 * both are estimates; the high end is null where nothing was measured, the room stands, or others hold all that is left.
 */
export function etaSeconds(position: number, pace: Pace): Wait | undefined {
  const { state, ratePerMinute: rate, free, admittedPerMinute: measured, stock } = pace
  if (rate <= 0 || state === 'closed' || state === 'sold_out' || state === 'idle') return undefined
  const seconds = (count: number, perMinute: number) => Math.ceil((count * 60) / perMinute)
  const beyond = Math.max(0, position - free)
  const first = seconds(position - beyond, rate)
  const known = measured > 0
  const low = first + seconds(beyond, known ? Math.min(rate, measured * 1.25) : rate)
  const allHeld = stock?.left === 0
  if (state !== 'open' || allHeld || (beyond > 0 && !known)) return { low, high: null }
  return { low, high: Math.ceil((first + seconds(beyond, Math.min(rate, measured || rate))) * 1.25) }
}

/** Without a measured rate: one second more for each so many positions. */
const POSITIONS_PER_SECOND_OF_POLL = 25

/**
 * Milliseconds until the next poll: a third of the shortest expected wait, from 2 s at the front to 20 s far away, and
 * never more than two thirds of the claim window. A called visitor hears of it at most one interval late (24 s with a
 * caller's jitter of ± 20 %) and the snapshot's age (about 2 s): within the default claim window of 30 s even if the
 * front jumps from far away. Who is expected within a minute polls every 20 s or faster, in the last 6 s every 2 s.
 */
export function pollAfterMs(
  position: number,
  {
    eta,
    claimWindowMs = 1.5 * LONGEST_POLL_MS,
  }: { readonly eta?: Wait | undefined; readonly claimWindowMs?: number } = {},
): number {
  const byDistance = SHORTEST_POLL_MS + Math.floor((position - 1) / POSITIONS_PER_SECOND_OF_POLL) * 1_000
  const wanted = eta === undefined ? byDistance : Math.floor((eta.low * 1_000) / 3)
  const longest = Math.max(SHORTEST_POLL_MS, Math.min(LONGEST_POLL_MS, Math.floor((claimWindowMs * 2) / 3)))
  return Math.min(longest, Math.max(SHORTEST_POLL_MS, wanted))
}
