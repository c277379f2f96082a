// Finds rooms and bypass rules that can hardly be meant: never reached, taken by another room, without effect, or opening
// the whole room. Warnings, not faults: the first room that matches wins, and that may be just what is wanted. Asked once
// per isolate; the sentences are public (`/healthz`), so they show no value of a bypass rule. Pure. Not found: a room that
// several patterns cover only together.

import type { Room } from '../src/config/room.ts'
import { coversGlob, sharesGlob, type Glob } from './glob.ts'
import { patternsOf } from './room-match.ts'

/** One sentence for each finding, in the order of the configuration. */
export function findRoomWarnings(rooms: Iterable<Room>): readonly string[] {
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
    warnings.push(...warningsOfBypass(room))
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

/** One sentence with the first hosts and paths that the two rooms share, by the narrower pattern of each. */
function overlapOf(first: Room, second: Room): string[] {
  const [before, after] = [patternsOf(first), patternsOf(second)]
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
