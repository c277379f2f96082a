// What time it is where it counts: Redis, as the snapshots tell, never the device, whose clock may be an hour off and may
// jump. Between snapshots a steady clock runs on (`performance.now`). Used for every countdown.

export interface ServerClock {
  /** `atMs`: the snapshot's own time. It is always a little old, so the furthest of the last few is the truest. */
  learn(atMs: number): void
  /** ms since 1970; undefined before the first snapshot. */
  nowMs(): number | undefined
}

/** Enough to pass over a stretch of old copies; few enough that a store with another clock is soon believed. */
const REMEMBERED = 8

export function startServerClock(steadyMs: () => number): ServerClock {
  let offsets: readonly number[] = []
  return {
    learn(atMs) {
      offsets = [...offsets, atMs - steadyMs()].slice(-REMEMBERED)
    },
    nowMs: () => (offsets.length === 0 ? undefined : Math.max(...offsets) + steadyMs()),
  }
}
