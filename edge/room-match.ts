// Finds the room that a request belongs to, and whether one of its bypass rules lets it by. Called by the gate. Pure:
// patterns are compiled once per room. Origins do not agree on how an escaped path reads, so every reading counts: a room
// matches if one of them does, a bypass rule only if all do and nothing is hidden in the path (`path-readings.ts`).

import type { Room } from '../src/config/room.ts'
import { isInRanges, parseAddressRange, type AddressRange } from '../src/http/address-range.ts'
import { readCookie } from './cookies.ts'
import { compileGlob, matchesGlob, type Glob } from './glob.ts'
import { decoded, isDoubtful, readingsOf } from './path-readings.ts'

/** Everything under this prefix is the waiting room's own and never reaches an origin. */
export const RESERVED_PREFIX = '/.waiting-room/'

/** A room's patterns, compiled. A list that a bypass rule leaves out is empty, and then says nothing. */
export interface Patterns {
  readonly hosts: readonly Glob[]
  readonly paths: readonly Glob[]
  readonly bypass: readonly {
    readonly path: Glob | undefined
    readonly methods: readonly string[]
    readonly headers: readonly NamedPattern[]
    readonly cookies: readonly NamedPattern[]
    readonly addresses: readonly AddressRange[]
  }[]
}
type NamedPattern = readonly [name: string, pattern: Glob]

const compiled = new WeakMap<Room, Patterns>()

/** The first room, in the order of the configuration, whose hosts and paths match; of an unreadable path, by its hosts. */
export function matchRoom(rooms: Iterable<Room>, url: URL): Room | undefined {
  const host = plainHost(url.hostname)
  const readings = readingsOf(url.pathname)
  for (const room of rooms) {
    const { hosts, paths } = patternsOf(room)
    if (!hosts.some((pattern) => matchesGlob(pattern, host))) continue
    if (readings === undefined) return room
    if (paths.some((pattern) => readings.some((path) => matchesGlob(pattern, path)))) return room
  }
  return undefined
}

/** Whether one bypass rule matches in all its members. An unreadable or doubtful path matches no rule that names a path. */
export function isBypassed(room: Room, request: Pick<Request, 'method' | 'url' | 'headers'>): boolean {
  const { bypass } = patternsOf(room)
  if (bypass.length === 0) return false
  const { pathname } = new URL(request.url)
  const readings = isDoubtful(pathname) ? undefined : readingsOf(pathname)
  const cookie = request.headers.get('cookie')
  // The platform's own header, as for the abuse limits; where it is not set, no rule of addresses matches.
  const address = request.headers.get('cf-connecting-ip')?.trim()
  return bypass.some(
    ({ path, methods, headers, cookies, addresses }) =>
      (path === undefined || readings?.every((reading) => matchesGlob(path, reading)) === true) &&
      (methods.length === 0 || methods.includes(request.method)) &&
      headers.every(([name, pattern]) => matchesValue(pattern, request.headers.get(name))) &&
      cookies.every(([name, pattern]) => matchesValue(pattern, readCookie(cookie, name))) &&
      (addresses.length === 0 || (address !== undefined && isInRanges(addresses, address))),
  )
}

const matchesValue = (pattern: Glob, value: string | null | undefined): boolean =>
  typeof value === 'string' && matchesGlob(pattern, value)

/** Also for `room-overlap.ts`, which compares rooms by the same patterns. */
export function patternsOf(room: Room): Patterns {
  const known = compiled.get(room)
  if (known !== undefined) return known
  const patterns: Patterns = {
    hosts: room.hosts.map((host) => compileGlob(plainHost(host))),
    paths: room.paths.map(pathGlob),
    bypass: room.bypass.map(({ path, methods = [], headers = {}, cookies = {}, addresses = [] }) => ({
      path: path === undefined ? undefined : pathGlob(path),
      methods,
      headers: Object.entries(headers).map(namedPattern),
      cookies: Object.entries(cookies).map(namedPattern),
      addresses: addresses.map(parseAddressRange).filter((range) => range !== undefined),
    })),
  }
  compiled.set(room, patterns)
  return patterns
}

const namedPattern = ([name, pattern]: readonly [string, string]): NamedPattern => [
  name,
  compileGlob(pattern),
]

/** Lower case, without the dot that ends a fully qualified name: `Shop.example.` and `shop.example` are one host. */
function plainHost(host: string): string {
  let end = host.length
  while (host[end - 1] === '.') end -= 1
  return host.slice(0, end).toLowerCase()
}

/** A pattern may be written as an address is shown or as it is sent: `/café/*` or `/caf%C3%A9/*`. */
const pathGlob = (pattern: string): Glob => compileGlob(decoded(pattern, decodeURI) ?? pattern)
