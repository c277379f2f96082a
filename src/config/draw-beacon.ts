// Whether the beacon of a draw can speak in time. One that cannot would keep its room drawing for hours or for good, and
// the operator would learn it at the opening: so it is told with the configuration. Pure; called by room.ts.

import { roundAfter, timeOfRoundMs, type BeaconTimes } from '../draw/beacon.ts'
import { msToRfc3339, secondsToMs } from '../time.ts'

/** The draw, and with it the sale, waits for the beacon's round. */
const LONGEST_WAIT_MS = 3_600_000

export interface BeaconFault {
  readonly setting: string
  readonly value: unknown
  readonly message: string
}

export function findBeaconFaults({
  queueing_method: method,
  draw_beacon: beacon,
  event_start_time: start,
}: {
  readonly queueing_method: string
  readonly draw_beacon?: (BeaconTimes & { readonly url: string }) | undefined
  readonly event_start_time?: string | undefined
}): readonly BeaconFault[] {
  if (beacon === undefined) return []
  // `passthrough` and `reject` are switches: a room that draws may be set to them and back without a second change.
  if (method === 'fifo') {
    const message = 'needs queueing_method = "lottery"; without a draw a beacon has no use'
    return [{ setting: 'draw_beacon.url', value: beacon.url, message }]
  }
  if (start === undefined) return []
  const startMs = Date.parse(start)
  if (secondsToMs(beacon.genesis) >= startMs) {
    const message = `must lie before event_start_time ("${start}"); it is when the beacon's first round was published, in seconds since 1970`
    return [{ setting: 'draw_beacon.genesis', value: beacon.genesis, message }]
  }
  const roundAtMs = timeOfRoundMs(roundAfter(startMs, beacon), beacon)
  if (roundAtMs - startMs <= LONGEST_WAIT_MS) return []
  const message = `the sale would wait for the beacon's round until ${msToRfc3339(roundAtMs)}; a round must come within one hour of event_start_time ("${start}")`
  return [{ setting: 'draw_beacon.period', value: beacon.period, message }]
}
