// What a hold is on the wire: the body that asks for one, its id, and the answer that shows it. Pure but for hashing.
// Called by the routes of holds; prices are those of Postgres, and nothing that a browser says about them is read.

import { z } from 'zod'
import { Problem } from '../src/problem.ts'
import type { HeldSeats } from '../src/redis/seats.ts'
import { MS_PER_SECOND, msToRfc3339 } from '../src/time.ts'
import type { Performance, SeatDescription } from './catalogue.ts'

/** 16 bytes as base64url: nobody guesses another's hold. */
const ID_BYTES = 16
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{16,255}$/

/** `{seats: [id, …]}`, each once. */
export const holdBody = (seatsPerHold: number) => {
  const accepted = `must be a list of 1 to ${seatsPerHold} seat ids`
  return z.strictObject({
    seats: z
      .array(z.string(accepted).min(1, accepted).max(100, accepted), accepted)
      .min(1, accepted)
      .max(seatsPerHold, accepted)
      .superRefine((seats, context) => {
        for (const [at, seat] of seats.entries()) {
          if (seats.indexOf(seat) === at) continue
          context.addIssue({
            code: 'custom',
            path: [at],
            message: 'names a seat that the list names already',
          })
        }
      }),
    bestAvailable: z.never('is not offered yet; name the seats').optional(),
  })
}

/**
 * A random id, or with an Idempotency-Key the one id that this session has for this key at this performance, so that a
 * repeat after a lost reply finds its hold. Throws the Problem `idempotency_key_invalid`.
 */
export async function newHoldId(
  performance: Performance,
  { session, idempotencyKey }: { session: string; idempotencyKey: string | undefined },
): Promise<string> {
  if (idempotencyKey === undefined) {
    return `${performance.id}.${base64url(crypto.getRandomValues(new Uint8Array(ID_BYTES)))}`
  }
  if (!IDEMPOTENCY_KEY.test(idempotencyKey)) {
    throw new Problem('idempotency_key_invalid', {
      detail: 'The Idempotency-Key must be 16 to 255 visible ASCII characters.',
    })
  }
  const text = JSON.stringify([performance.id, session, idempotencyKey])
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `${performance.id}.${base64url(new Uint8Array(digest).subarray(0, ID_BYTES))}`
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** Prices in minor units; `total` is what the order will ask. */
export function showHold(
  hold: Pick<HeldSeats, 'holdId' | 'expiresAtMs' | 'lastsUntilMs'>,
  performance: Performance,
  seats: readonly SeatDescription[],
) {
  return {
    holdId: hold.holdId,
    performance: performance.id,
    seats: seats.map(({ id, section, row, label, tier, price, fee }) => ({
      id,
      section,
      row,
      label,
      tier,
      price,
      fee,
    })),
    total: seats.reduce((sum, { price, fee }) => sum + price + fee, 0),
    currency: performance.currency,
    ...showTimes(hold),
  }
}

/** `lastsUntil` is the end that no extension passes. */
export function showTimes({ expiresAtMs, lastsUntilMs }: Pick<HeldSeats, 'expiresAtMs' | 'lastsUntilMs'>) {
  return {
    expiresAt: msToRfc3339(expiresAtMs),
    // Rounded down: a countdown must not promise more than there is.
    expiresInSeconds: Math.max(0, Math.floor((expiresAtMs - Date.now()) / MS_PER_SECOND)),
    lastsUntil: msToRfc3339(lastsUntilMs),
  }
}
