// Finds settings that can hardly be meant: rooms never reached or taken in part by another, bypass rules without effect or
// opening the whole room, a sale that is over, tokens that outlive their session. Warnings, not faults: each may be just
// what is wanted. Asked once per isolate and before a deployment; the sentences are public (`/healthz`), so they show no
// value of a bypass rule. Pure. Not found: a room that several patterns cover only together.

import type { Room } from '../src/config/room.ts'
import { coversGlob, sharesGlob, type Glob } from './glob.ts'
import { patternsOf } from './room-match.ts'

/** One sentence for each finding, in the order of the configuration. */
export function findRoomWarnings(
  rooms: Iterable<Room>,
  { nowMs }: { readonly nowMs: number },
): readonly string[] {
  const earlier: Room[] = []
  const warnings: string[] = []
  for (const room of rooms) {
    const covering = roomsThatCover(room, earlier)
    if (covering === undefined) {
      for (const before of earlier) warnings.push(...overlapOf(before, room))
    } else {
      const names = covering.map(({ id }) => `ROOMS.${id}`).join(' and ')
      const verbs = covering.length === 1 ? 'comes before it and covers' : 'come before it and cover'
      warnings.push(`ROOMS.${room.id} can never be reached: ${names} ${verbs} its hosts and paths.`)
    }
    warnings.push(...warningsOfBypass(room), ...warningsOfTimes(room, nowMs))
    earlier.push(room)
  }
  return warnings
}

/** The earlier rooms that take every address of this one; `undefined` where an address is left to it. */
function roomsThatCover(room: Room, earlier: readonly Room[]): readonly Room[] | undefined {
  const { hosts, paths } = patternsOf(room)
  const covering = new Set<Room>()
  for (const host of hosts) {
    for (const path of paths) {
      const cover = earlier.find((before) => {
        const wide = patternsOf(before)
        return coveredBy(wide.hosts, host) && coveredBy(wide.paths, path)
      })
      if (cover === undefined) return undefined
      covering.add(cover)
    }
  }
  return [...covering]
}

const coveredBy = (wide: readonly Glob[], narrow: Glob): boolean =>
  wide.some((pattern) => coversGlob(pattern, narrow))

/**
 * One sentence with the first hosts and paths that the two rooms share, by the narrower pattern of each. None where the
 * later room covers the earlier one entirely: the narrow room first and the wide one behind it is how rooms are layered.
 */
function overlapOf(first: Room, second: Room): string[] {
  const [before, after] = [patternsOf(first), patternsOf(second)]
  const isLayered =
    before.hosts.every((host) => coveredBy(after.hosts, host)) &&
    before.paths.every((path) => coveredBy(after.paths, path))
  if (isLayered) return []
  const host = sharedPattern(before.hosts, after.hosts)
  const path = sharedPattern(before.paths, after.paths)
  if (host === undefined || path === undefined) return []
  return [
    `ROOMS.${first.id} and ROOMS.${second.id} overlap: requests to host "${host}" and path "${path}" can match both, and go to ROOMS.${first.id}, which comes first.`,
  ]
}

function sharedPattern(left: readonly Glob[], right: readonly Glob[]): string | undefined {
  for (const one of left) {
    const other = right.find((pattern) => sharesGlob(one, pattern))
    if (other !== undefined) return (coversGlob(one, other) ? other : one).join('*')
  }
  return undefined
}

function warningsOfTimes(room: Room, nowMs: number): string[] {
  const warnings: string[] = []
  if (room.eventEndMs !== 0 && room.eventEndMs <= nowMs) {
    warnings.push(
      `ROOMS.${room.id}.event_end_time = "${room.event_end_time}" has passed: the room is closed, and nobody can join.`,
    )
  }
  if (room.admissionTokenTtlMs > room.sessionMs) {
    warnings.push(
      `ROOMS.${room.id}.admission_token_ttl = ${room.admission_token_ttl} (seconds) is longer than session_duration = ${room.session_duration} (minutes): a session that has ended keeps its slot until its token ends.`,
    )
  }
  return warnings
}

function warningsOfBypass(room: Room): string[] {
  const { paths, bypass } = patternsOf(room)
  return bypass.flatMap(({ path, methods, headers, cookies, addresses }, index) => {
    const name = `ROOMS.${room.id}.bypass.${index}`
    if (path !== undefined && !paths.some((pattern) => sharesGlob(pattern, path))) {
      return [`${name} can never match: its path lies outside the paths of the room.`]
    }
    const wholePath = path === undefined || paths.every((pattern) => coversGlob(path, pattern))
    const anySender = headers.length === 0 && cookies.length === 0 && addresses.length === 0
    if (!wholePath || !anySender) return []
    if (methods.length === 0) return [`${name} lets every request of the room by: nobody queues.`]
    return methods.includes('GET') ? [`${name} lets every GET request of the room by: no page queues.`] : []
  })
}
