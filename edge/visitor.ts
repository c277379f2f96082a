// Derives visitor ids: HMAC-SHA256 under VISITOR_SECRET over room, sale and Idempotency-Key, so that no client can choose
// or guess one, and a repeated join finds the same visitor. Called by join and the gate; touches no store, logs no key.

import type { Room } from '../src/config/room.ts'
import { parseVisitorId, type VisitorId } from '../src/ids.ts'

/** 144 bits: 24 base64url characters. */
const ID_BYTES = 18

/** The visitor behind an Idempotency-Key in this room and sale. */
export type DeriveVisitor = (room: Room, key: string) => Promise<VisitorId>

/** A key such as clients send, for a visitor who sent none: 256 random bits. */
export function randomKey(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

export async function createVisitorIds(secret: string): Promise<DeriveVisitor> {
  const bytes = new TextEncoder().encode(secret)
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', bytes, hmac, false, ['sign'])
  return async (room, idempotencyKey) => {
    // Neither a room nor a sale can contain "|", so that no two triples spell the same text.
    const text = `${room.id}|${room.sale.name}|${idempotencyKey}`
    const digest = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text))
    const visitor = parseVisitorId(base64url(new Uint8Array(digest, 0, ID_BYTES)))
    if (visitor === undefined) throw new Error('a derived visitor id does not parse')
    return visitor
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
