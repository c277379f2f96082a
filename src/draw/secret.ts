// The operator's secret of one draw and the commitment to it, both made from DRAW_SECRET. Used by the edge, which alone
// has DRAW_SECRET, and by whoever checks a commitment. Pure; logs nothing.

import { hexOf, sha256 } from './sha256.ts'

const hmac = { name: 'HMAC', hash: 'SHA-256' }
const bytesOf = (text: string) => new TextEncoder().encode(text)

/**
 * HMAC-SHA-256(DRAW_SECRET, `room|sale`), 64 hex digits: one for each sale, so that publishing it after a draw gives away
 * neither DRAW_SECRET nor another draw. Neither a room nor a sale can contain "|".
 */
export async function drawSecret(
  key: string,
  { room, sale }: { readonly room: string; readonly sale: string },
): Promise<string> {
  const imported = await crypto.subtle.importKey('raw', bytesOf(key), hmac, false, ['sign'])
  return hexOf(await crypto.subtle.sign('HMAC', imported, bytesOf(`${room}|${sale}`)))
}

/** SHA-256 of the secret's 64 hex digits as text: public from the first entry on, and says nothing of the secret. */
export const commitmentTo = (secret: string): Promise<string> => sha256(secret)
