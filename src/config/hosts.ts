// The `hosts` setting of a room: names as a request carries them, and patterns of such names. Part of `room.ts`.
// A host that no request can have would match nothing, and the room would guard nothing without anybody noticing:
// so it is a fault. Pure.

import { z } from 'zod'

const ACCEPTED =
  'must be a host name without scheme and port, such as "shop.example.com", "*.example.com" or "*"; international names in their xn-- form'

/** Labels of letters, digits, "-", "_" and stars between single dots; one dot may end a fully qualified name. */
const NAME = /^[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)*\.?$/i
const BRACKETED = /^\[[0-9a-f:.*]+\]$/i

export const hostsSetting = z.array(z.string(ACCEPTED).refine(isHostPattern, ACCEPTED)).min(1).default(['*'])

function isHostPattern(text: string): boolean {
  if (!NAME.test(text) && !BRACKETED.test(text)) return false
  if (text.includes('*')) return true
  // As the gate reads hosts, so that `[0:0:0:0:0:0:0:1]`, which arrives as `[::1]`, is not taken for a host that comes.
  const host = text.replace(/\.$/, '').toLowerCase()
  return URL.parse(`http://${host}/`)?.hostname === host
}
