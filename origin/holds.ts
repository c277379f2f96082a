// What a hold is on the wire: the body that asks for one, its id, and the answer that shows it. Pure but for hashing.
// Called by the routes of holds; prices are those of Postgres, and nothing that a browser says about them is read.

import { z } from 'zod'
import { Problem } from '../src/problem.ts'
import type { HeldSeats, HoldTimes } from '../src/redis/seats.ts'
import { MS_PER_SECOND, msToRfc3339 } from '../src/time.ts'
import { isId, type Performance, type SeatDescription } from './catalogue.ts'

/** 16 bytes as base64url: nobody guesses another's hold. */
const ID_BYTES = 16
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{16,255}$/

/** The three ways to ask for seats; a body has exactly one. */
const KINDS = ['seats', 'bestAvailable', 'areas'] as const
type Kind = (typeof KINDS)[number]
/** Which of them a wish beside it is for; `replaces` is for all. */
const BESIDE: Readonly<Record<'partial' | 'accessible', readonly Kind[]>> = {
  partial: ['seats'],
  accessible: ['seats', 'bestAvailable'],
}

const idOf = (what: string) => z.string(`must be the id of ${what}`).refine(isId, `must be the id of ${what}`)

/** `{seats: [id, …]}` each once, `{bestAvailable: {quantity, …}}` or `{areas: [{section, quantity}, …]}`, and wishes. */
export const holdBody = (seatsPerHold: number) => {
  const accepted = `must be a list of 1 to ${seatsPerHold} seat ids`
  const many = `must be a whole number from 1 to ${seatsPerHold}`
  const quantity = z.int({ error: many, abort: true }).min(1, many).max(seatsPerHold, many)
  const areasAccepted = `must be a list of 1 to ${seatsPerHold} areas`
  return z
    .strictObject({
      seats: z
        .array(z.string(accepted).min(1, accepted).max(100, accepted), accepted)
        .min(1, accepted)
        .max(seatsPerHold, accepted)
        .superRefine((seats, context) =>
          eachOnce(seats, [], 'names a seat that the list names already', context),
        )
        .optional(),
      bestAvailable: z
        .strictObject({
          quantity,
          section: idOf('a section').optional(),
          tier: idOf('a price tier').optional(),
        })
        .optional()
        .describe('a party: together, and as near as can be had'),
      areas: z
        .array(z.strictObject({ section: idOf('a general area'), quantity }), areasAccepted)
        .min(1, areasAccepted)
        .max(seatsPerHold, areasAccepted)
        .superRefine((areas, context) => {
          const sections = areas.map(({ section }) => section)
          eachOnce(sections, ['section'], 'names an area that the list names already', context)
          const sum = areas.reduce((total, area) => total + area.quantity, 0)
          if (sum > seatsPerHold) {
            context.addIssue({
              code: 'custom',
              message: `asks for ${sum} places: must be at most ${seatsPerHold}`,
            })
          }
        })
        .optional()
        .describe('places without numbers: all of them or none'),
      partial: z
        .boolean('must be true or false')
        .optional()
        .describe('with `seats`: hold those that are free'),
      accessible: z
        .boolean('must be true or false')
        .optional()
        .describe('the visitor says that they need seats that are kept for those who do'),
      replaces: z
        .string('must be the id of a hold')
        .min(1, 'must be the id of a hold')
        .max(200, 'must be the id of a hold')
        .optional()
        .describe('a hold of the same visitor that ends when this one is made, and stays where it cannot be'),
    })
    .superRefine((body, context) => {
      const asked = KINDS.filter((kind) => body[kind] !== undefined)
      const surplus = asked.length === 0 ? ['seats'] : asked.slice(1)
      const wishes = (['partial', 'accessible'] as const).filter(
        (wish) => body[wish] !== undefined && !asked.some((kind) => BESIDE[wish].includes(kind)),
      )
      for (const path of surplus) {
        const message = 'must be exactly one of `seats`, `bestAvailable` and `areas`'
        context.addIssue({ code: 'custom', path: [path], message })
      }
      for (const wish of asked.length === 0 ? [] : wishes) {
        const message = `can stand beside ${BESIDE[wish].map((kind) => `\`${kind}\``).join(' and ')} alone`
        context.addIssue({ code: 'custom', path: [wish], message })
      }
    })
}
export type HoldBody = z.output<ReturnType<typeof holdBody>>

function eachOnce(
  names: readonly string[],
  field: readonly string[],
  message: string,
  context: z.core.$RefinementCtx,
): void {
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) !== at) context.addIssue({ code: 'custom', path: [at, ...field], message })
  }
}

/**
 * A random id, or with an Idempotency-Key the one id that this session has for this key at this performance, so that a
 * repeat after a lost reply finds its hold. Throws the Problem `idempotency_key_invalid`.
 */
export async function newHoldId(
  performance: Performance,
  { session, idempotencyKey }: { session: string; idempotencyKey: string | undefined },
): Promise<string> {
  const random = await requestId([performance.id, session], idempotencyKey)
  return `${performance.id}.${random}`
}

/** 22 characters base64url: random, or for a key always the same within `scope`. Throws `idempotency_key_invalid`. */
export async function requestId(
  scope: readonly string[],
  idempotencyKey: string | undefined,
): Promise<string> {
  if (idempotencyKey === undefined) return base64url(crypto.getRandomValues(new Uint8Array(ID_BYTES)))
  if (!IDEMPOTENCY_KEY.test(idempotencyKey)) {
    throw new Problem('idempotency_key_invalid', {
      detail: 'The Idempotency-Key must be 16 to 255 visible ASCII characters.',
    })
  }
  return await digestOf([...scope, idempotencyKey])
}

/** What a body asks for, in 22 characters: the same key with another digest is another request. */
export const digestOfBody = ({ seats, bestAvailable, areas, partial, accessible, replaces }: HoldBody) =>
  digestOf([
    seats?.toSorted() ?? null,
    bestAvailable ? [bestAvailable.quantity, bestAvailable.section, bestAvailable.tier] : null,
    areas?.map(({ section, quantity }) => `${quantity} ${section}`).toSorted() ?? null,
    partial === true,
    accessible === true,
    replaces ?? null,
  ])

async function digestOf(values: readonly unknown[]): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(values)))
  return base64url(new Uint8Array(digest).subarray(0, ID_BYTES))
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** Prices in minor units; `total` is what the order will ask. */
export function showHold(
  hold: Pick<HeldSeats, 'holdId' | keyof HoldTimes>,
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

/** `lastsUntil` is the end that no extension passes, `extensionsLeft` how many the visitor has. */
export function showTimes({ expiresAtMs, lastsUntilMs, extensionsLeft }: HoldTimes) {
  return {
    expiresAt: msToRfc3339(expiresAtMs),
    // Rounded down: a countdown must not promise more than there is.
    expiresInSeconds: Math.max(0, Math.floor((expiresAtMs - Date.now()) / MS_PER_SECOND)),
    lastsUntil: msToRfc3339(lastsUntilMs),
    extensionsLeft,
  }
}
