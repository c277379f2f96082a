// Numbers, durations and times as one language writes them, by the browser's own Intl; shared by the page and by the edge,
// which writes the words of the first paint. Pure: the time that counts as now is an argument.

import type { Wait } from '../../src/queue/position.ts'
import type { Text } from './text/shape.ts'

export interface Measures {
  readonly number: (count: number) => string
  /** "40 seconds", "2 hours": whole units, in the plural that the language asks for. */
  readonly duration: (count: number, unit: 'second' | 'minute' | 'hour' | 'day') => string
  /** "40 seconds ago". */
  readonly ago: (seconds: number) => string
  /** Time of day, with the date where that is another day than `nowMs`; in the reader's own time zone where none is given. */
  readonly time: (atMs: number, options: { nowMs: number; timeZone?: string }) => string
}

export function measuresIn(language: string): Measures {
  const numbers = new Intl.NumberFormat(language)
  return {
    number: (count) => numbers.format(count),
    duration: (count, unit) =>
      new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(count),
    ago: (seconds) => {
      const [count, unit] = seconds < 60 ? [seconds, 'second' as const] : [seconds / 60, 'minute' as const]
      return new Intl.RelativeTimeFormat(language).format(-Math.floor(count), unit)
    },
    time(atMs, { nowMs, timeZone }) {
      const zone = timeZone === undefined ? {} : { timeZone }
      const day = new Intl.DateTimeFormat('en', { dateStyle: 'short', ...zone })
      const isToday = day.format(atMs) === day.format(nowMs)
      return new Intl.DateTimeFormat(language, {
        ...(!isToday && { weekday: 'long', day: 'numeric', month: 'long' }),
        hour: 'numeric',
        minute: '2-digit',
        timeZoneName: 'short',
        ...zone,
      }).format(atMs)
    },
  }
}

/** A wait in whole minutes, both ends included; `high` of null means "or more". */
interface Minutes {
  readonly low: number
  readonly high: number | null
}

/** Beyond it, an end of the wait is not worth naming. */
const LONGEST_MINUTES = 240

/** Rounded outwards, and coarser the longer it is, since it is an estimate. */
function minutesFrom({ low, high }: Wait): Minutes {
  const far = high ?? low
  const grain = far > 3_600 ? 15 : far > 1_200 ? 5 : 1
  const from = Math.floor(low / 60 / grain) * grain
  const to = high === null ? null : Math.max(1, Math.ceil(high / 60 / grain) * grain)
  return to !== null && to <= LONGEST_MINUTES
    ? { low: from, high: to }
    : { low: Math.min(from, LONGEST_MINUTES), high: null }
}

/** Undefined where nothing can be told of the wait. */
export function waitIn({ wait }: Text, measures: Measures, eta: Wait | undefined): string | undefined {
  const { duration, number } = measures
  if (eta === undefined) return undefined
  const { low, high } = minutesFrom(eta)
  if (high === null && low < 1) return undefined
  if (high === null) {
    return wait.moreThan(low >= 60 ? duration(Math.floor(low / 60), 'hour') : duration(low, 'minute'))
  }
  if (high <= 1) return wait.underAMinute
  if (low >= 60) {
    const [from, to] = [Math.floor(low / 60), Math.ceil(high / 60)]
    return from === to ? wait.about(duration(from, 'hour')) : wait.between(number(from), duration(to, 'hour'))
  }
  if (low < 1) return wait.upTo(duration(high, 'minute'))
  return low === high
    ? wait.about(duration(low, 'minute'))
    : wait.between(number(low), duration(high, 'minute'))
}

/** Beyond it, a clock says less than a number of days. */
const LONGEST_CLOCK_HOURS = 48

/** Time left as a clock, `4:59` or `1:02:03`, rounded up so that it is never over too soon; from two days on, days. */
export function clockOf(leftMs: number, { duration }: Pick<Measures, 'duration'>): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1_000))
  const hours = Math.floor(seconds / 3_600)
  if (hours >= LONGEST_CLOCK_HOURS) return duration(Math.floor(hours / 24), 'day')
  const two = (count: number): string => String(count).padStart(2, '0')
  const minutes = Math.floor(seconds / 60) % 60
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`
}
