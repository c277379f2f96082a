// Whether the times of a sale fit together, and its floor with them. Asked by `room.ts` for what is deployed and by the
// admin API for what a change would leave. Says what is wrong and which settings take part, never throws. Pure.

/** Before this no place of any sale can have been given; also the least time that a clock can show and be right. */
export const OWN_FLOOR = '2020-01-01T00:00:00Z'

/** A floor may lie this far ahead of the clock: a clock that is wrong by hours must not take a site down. */
const FLOOR_AHEAD_MS = 86_400_000

export interface SaleTimes {
  readonly queueing_method: string
  readonly sale: { readonly floor: string }
  readonly prequeue_start_time?: string | undefined
  readonly event_start_time?: string | undefined
  readonly event_end_time?: string | undefined
}

export interface TimeFault {
  /** The setting at fault. */
  readonly setting: string
  readonly value: string
  /** What is accepted: goes on after the setting and its value. */
  readonly message: string
  /** The other settings that it was compared with. */
  readonly against: readonly string[]
}

/** A sale opens after its pre-queue and ends after its opening; a draw needs both; the floor lies before all places. */
export function findTimeFaults(times: SaleTimes, { nowMs }: { readonly nowMs: number }): TimeFault[] {
  const { prequeue_start_time: prequeue, event_start_time: start, event_end_time: end } = times
  const faults: TimeFault[] = []
  if (times.queueing_method === 'lottery' && (prequeue === undefined || start === undefined)) {
    faults.push({
      setting: 'queueing_method',
      value: 'lottery',
      message: 'needs prequeue_start_time and event_start_time, between which visitors enter the draw',
      against: ['prequeue_start_time', 'event_start_time'],
    })
  }
  if (prequeue !== undefined && start === undefined) {
    faults.push({
      setting: 'prequeue_start_time',
      value: prequeue,
      message: 'needs event_start_time, the opening it waits for',
      against: ['event_start_time'],
    })
  }
  if (prequeue !== undefined && start !== undefined && !isEarlier(prequeue, start)) {
    faults.push({
      setting: 'prequeue_start_time',
      value: prequeue,
      message: `must be before event_start_time ("${start}")`,
      against: ['event_start_time'],
    })
  }
  if (start !== undefined && end !== undefined && !isEarlier(start, end)) {
    faults.push({
      setting: 'event_end_time',
      value: end,
      message: `must be after event_start_time ("${start}")`,
      against: ['event_start_time'],
    })
  }
  return [...faults, ...faultsOfFloor(times, nowMs)]
}

/** A place is the time at which it was given: all that are given before the floor would be refused. */
function faultsOfFloor(times: SaleTimes, nowMs: number): TimeFault[] {
  const { floor } = times.sale
  const fault = { setting: 'sale.floor', value: floor }
  const opening = (['prequeue_start_time', 'event_start_time'] as const)
    .flatMap((name) => (times[name] === undefined ? [] : [{ name, time: times[name] }]))
    .toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))[0]
  if (opening !== undefined) {
    if (!isEarlier(opening.time, floor)) return []
    const message = `must not be after ${opening.name} ("${opening.time}"): places that are given before the floor are void`
    return [{ ...fault, message, against: [opening.name] }]
  }
  const clockRuns = nowMs >= Date.parse(OWN_FLOOR)
  if (!clockRuns || Date.parse(floor) <= nowMs + FLOOR_AHEAD_MS) return []
  const message =
    'must not be more than a day ahead where no event_start_time is set: places that are given before the floor are void'
  return [{ ...fault, message, against: [] }]
}

const isEarlier = (a: string, b: string): boolean => Date.parse(a) < Date.parse(b)
