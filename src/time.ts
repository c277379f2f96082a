// Conversions between the units of time that the system uses, all in one place.
// Redis scores and logs are milliseconds, places are microseconds, JWT claims are seconds, settings name their unit.

export const MS_PER_SECOND = 1_000
export const MS_PER_MINUTE = 60_000
export const US_PER_MS = 1_000

export const secondsToMs = (seconds: number): number => seconds * MS_PER_SECOND
export const minutesToMs = (minutes: number): number => minutes * MS_PER_MINUTE
/** Rounded down, so that nothing is ever valid longer than it was granted. */
export const msToSeconds = (ms: number): number => Math.floor(ms / MS_PER_SECOND)
/** Rounded up, for `Retry-After` and countdowns. */
export const msToSecondsUp = (ms: number): number => Math.ceil(ms / MS_PER_SECOND)
export const msToPlace = (ms: number): number => ms * US_PER_MS
/** RFC 3339 UTC, as every JSON body spells a time. */
export const msToRfc3339 = (ms: number): string => new Date(ms).toISOString()
