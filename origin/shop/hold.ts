// A hold as the shop knows it, and the calls that take, prolong and give it up. Called by `performance-page.ts`.
// The browser keeps the hold's id and end alone (`kept.ts`); prices and seats always come from the server.

import { type Answer, call } from './api.ts'
import { explain } from './explain.ts'
import { type Fields, listOf, numberOf, textOf } from './fields.ts'
import { en } from './text/en.ts'

export interface HeldSeat {
  readonly id: string
  readonly section: string
  readonly row: string
  readonly label: string
}

export interface Hold {
  readonly holdId: string
  readonly seats: readonly HeldSeat[]
  readonly fees: number
  /** Minor units, fees included. */
  readonly total: number
  readonly currency: string
  /** By this browser's clock (ms), reckoned from the seconds that the server named: clocks may differ. */
  readonly endsAtMs: number
  /** RFC 3339; extensions cannot pass it. */
  readonly lastsUntil: string
}

/** Seats by id, or so many places of areas. */
export type Asked =
  | { readonly seats: readonly string[]; readonly accessible?: true }
  | { readonly areas: readonly { readonly section: string; readonly quantity: number }[] }

export type HoldAnswer =
  | { readonly is: 'held'; readonly hold: Hold }
  | { readonly is: 'taken'; readonly seats: readonly string[] }
  | Refusal

export type Refusal =
  | { readonly is: 'gone' | 'no_answer' }
  /** `words` are for the visitor. */
  | { readonly is: 'refused'; readonly words: string }

export function readHold(body: Fields): Hold {
  const seats = listOf(body['seats'])
  return {
    holdId: textOf(body['holdId']),
    seats: seats.map(({ id, section, row, label }) => ({
      id: textOf(id),
      section: textOf(section),
      row: textOf(row),
      label: textOf(label),
    })),
    fees: seats.reduce((sum, { fee }) => sum + numberOf(fee), 0),
    total: numberOf(body['total']),
    currency: textOf(body['currency']),
    endsAtMs: Date.now() + numberOf(body['expiresInSeconds']) * 1_000,
    lastsUntil: textOf(body['lastsUntil']),
  }
}

const pathOf = (holdId: string): string => `/api/holds/${encodeURIComponent(holdId)}`

export async function takeHold(performance: string, asked: Asked, key: string): Promise<HoldAnswer> {
  const answer = await call('POST', `/api/performances/${encodeURIComponent(performance)}/holds`, {
    body: asked,
    key,
  })
  if (answer.ok) return { is: 'held', hold: readHold(answer.body) }
  if (answer.code !== 'seats_taken') return refusal(answer)
  if ('areas' in asked) return { is: 'refused', words: en.areaShort }
  // Each conflict is a seat's id, or an object that names it.
  const conflicts: unknown = answer.body['conflicts']
  const plain = Array.isArray(conflicts) ? conflicts.filter((seat) => typeof seat === 'string') : []
  return {
    is: 'taken',
    seats: [...plain, ...listOf(conflicts).map(({ seat }) => textOf(seat))].filter(Boolean),
  }
}

export async function findHold(holdId: string): Promise<Hold | undefined> {
  const answer = await call('GET', pathOf(holdId))
  const hold = answer.ok ? readHold(answer.body) : undefined
  return hold !== undefined && hold.seats.length > 0 && hold.endsAtMs > Date.now() ? hold : undefined
}

/** The new end (ms by this browser's clock), or why there is none. */
export async function extendHold(
  holdId: string,
): Promise<{ readonly is: 'extended'; readonly endsAtMs: number } | Refusal> {
  const answer = await call('POST', `${pathOf(holdId)}/extend`)
  if (answer.ok)
    return { is: 'extended', endsAtMs: Date.now() + numberOf(answer.body['expiresInSeconds']) * 1_000 }
  return refusal(answer)
}

/** Gives the seats back and cancels an order for them that nobody has paid; `ordered`: one is being paid. */
export async function releaseHold(
  holdId: string,
): Promise<{ readonly is: 'released' } | { readonly is: 'ordered' } | Refusal> {
  const answer = await call('DELETE', pathOf(holdId))
  if (answer.ok) return { is: 'released' }
  return answer.code === 'order_conflict' ? { is: 'ordered' } : refusal(answer)
}

function refusal(answer: Extract<Answer, { ok: false }>): Refusal {
  if (answer.code === 'hold_expired' || answer.status === 404) return { is: 'gone' }
  if (answer.status === 0) return { is: 'no_answer' }
  return { is: 'refused', words: explain(answer, { validation_failed: en.holdLimit }) }
}
