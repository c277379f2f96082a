// Repeatable chance: the same seed gives the same sequence. Used for the ratio card and for the bank's delay.
// Not for ids or secrets, which must not be guessable.

/** Numbers in [0, 1), each call the next of the sequence. The generator is mulberry32 over an FNV-1a hash of the seed. */
export function draws(seed: string): () => number {
  let state = 0x811c9dc5
  for (const byte of new TextEncoder().encode(seed)) state = Math.imul(state ^ byte, 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
