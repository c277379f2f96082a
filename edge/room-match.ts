// Finds the room that a request belongs to, and whether one of its bypass rules lets it by. Called by the gate. Pure:
// patterns are compiled once per room; a `*` stands for any run of characters, and matching takes no exponential time.

import type { Room } from '../src/config/room.ts'

/** Everything under this prefix is the waiting room's own and never reaches an origin. */
export const RESERVED_PREFIX = '/.waiting-room/'

interface Patterns {
  readonly hosts: readonly RegExp[]
  readonly paths: readonly RegExp[]
  readonly bypass: readonly { readonly path?: RegExp; readonly methods?: readonly string[] }[]
}

const compiled = new WeakMap<Room, Patterns>()

/** The first room, in the order of the configuration, whose hosts and paths match. */
export function matchRoom(rooms: Iterable<Room>, url: URL): Room | undefined {
  const host = url.hostname.toLowerCase()
  for (const room of rooms) {
    const { hosts, paths } = patternsOf(room)
    if (hosts.some((pattern) => pattern.test(host)) && paths.some((pattern) => pattern.test(url.pathname))) {
      return room
    }
  }
  return undefined
}

/** Whether one bypass rule matches in all its members. */
export function isBypassed(room: Room, method: string, path: string): boolean {
  return patternsOf(room).bypass.some(
    (rule) => (rule.path?.test(path) ?? true) && (rule.methods?.includes(method) ?? true),
  )
}

function patternsOf(room: Room): Patterns {
  const known = compiled.get(room)
  if (known !== undefined) return known
  const patterns: Patterns = {
    hosts: room.hosts.map((host) => wildcard(host.toLowerCase())),
    paths: room.paths.map(wildcard),
    bypass: room.bypass.map(({ path, methods }) => ({
      ...(path !== undefined && { path: wildcard(path) }),
      ...(methods !== undefined && { methods }),
    })),
  }
  compiled.set(room, patterns)
  return patterns
}

const wildcard = (pattern: string): RegExp =>
  new RegExp(`^${pattern.split(/\*+/).map(escapeForRegExp).join('.*')}$`, 's')

const escapeForRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`)
