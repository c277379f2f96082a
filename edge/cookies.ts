// The waiting room's two cookies a room: the queue token and the pass (admission token). Reads and strips by splitting
// the header at ";" alone, so that a foreign or broken cookie is neither understood nor damaged. Pure; never throws.

import type { RoomId } from '../src/ids.ts'

export type CookieKind = 'queue' | 'pass'
export type CookieMode = 'secure' | 'plain'

/** `__Host-` binds a cookie to this host over HTTPS; only the local stack does without (see wrangler.toml). */
export const cookieName = (kind: CookieKind, room: RoomId, mode: CookieMode): string =>
  `${mode === 'secure' ? '__Host-' : ''}wr-${kind}-${room}`

/** The value of the first cookie of that name; `undefined` when there is none or it is empty. */
export function readCookie(header: string | null, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const equals = part.indexOf('=')
    if (equals === -1 || part.slice(0, equals).trim() !== name) continue
    const value = part.slice(equals + 1).trim()
    if (value !== '') return value
  }
  return undefined
}

/** The header without our cookies, all others byte for byte; `undefined` when nothing is left. */
export function stripCookies(header: string | null, ours: ReadonlySet<string>): string | undefined {
  if (header === null) return undefined
  const kept = header.split(';').filter((part) => !ours.has(part.split('=', 1).join('').trim()))
  const rest = kept.join(';').replace(/^ +/, '')
  return rest === '' ? undefined : rest
}

/** A `Set-Cookie` value; with `maxAgeSeconds` 0 it clears the cookie. Tokens are base64url and dots: no encoding. */
export function setCookie(name: string, value: string, options: { mode: CookieMode; maxAgeSeconds: number }) {
  const secure = options.mode === 'secure' ? '; Secure' : ''
  return `${name}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(options.maxAgeSeconds))}; HttpOnly${secure}; SameSite=Lax`
}
