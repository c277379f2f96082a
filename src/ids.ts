// Identifiers as branded strings, made only by the parsers here. Used by every layer; no I/O.
// An id that came over the wire is a plain string until one of these functions has looked at it.

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

export type RoomId = Branded<'RoomId'>
export type VisitorId = Branded<'VisitorId'>
export type SessionId = Branded<'SessionId'>

const ROOM = /^[a-z0-9][a-z0-9-]{0,62}$/
const OPAQUE = /^[A-Za-z0-9_-]{16,64}$/

/** A room name: lower-case letters, digits and hyphens, at most 63 characters; `undefined` for anything else. */
export function parseRoomId(text: string): RoomId | undefined {
  return ROOM.test(text) ? (text as RoomId) : undefined
}

/** A visitor id as the edge derives it (base64url, 16 to 64 characters); `undefined` for anything else. */
export function parseVisitorId(text: string): VisitorId | undefined {
  return OPAQUE.test(text) ? (text as VisitorId) : undefined
}

/** A session id as the edge derives it (base64url, 16 to 64 characters); `undefined` for anything else. */
export function parseSessionId(text: string): SessionId | undefined {
  return OPAQUE.test(text) ? (text as SessionId) : undefined
}
