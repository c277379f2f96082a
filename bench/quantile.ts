// The value below which a share of the measurements lies. Used by every part of the benchmark that prints p50 and p99.

/** Nearest rank: always a value that was measured. `NaN` of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
