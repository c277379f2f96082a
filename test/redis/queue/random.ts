// Random numbers that a seed repeats, for the tests that drive the queue at random.

/** mulberry32: small, and the same on every machine. */
export function randomFrom(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d_2b_79_f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** SEED of the environment, or a new one. */
export const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
