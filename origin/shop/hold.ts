// A hold as the shop knows it, and the calls that take, prolong and give it up. Called by `performance-page.ts`.
// Only the hold's id is kept in the browser (for a reload); prices and seats always come from the server.

import { call } from './api.ts'
import { type Fields, listOf, numberOf, textOf } from './fields.ts'

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

export type HoldAnswer =
  | { readonly is: 'held'; readonly hold: Hold }
  | { readonly is: 'taken'; readonly seats: readonly string[] }
  | { readonly is: 'gone' | 'no_answer' | 'too_many' | 'refused' }

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

export async function takeHold(
  performance: string,
  seats: readonly string[],
  key: string,
): Promise<HoldAnswer> {
  const answer = await call('POST', `/api/performances/${encodeURIComponent(performance)}/holds`, {
    body: { seats },
    key,
  })
  if (answer.ok) return { is: 'held', hold: readHold(answer.body) }
  if (answer.code !== 'seats_taken') return { is: refusal(answer.status) }
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
): Promise<
  | { readonly is: 'extended'; readonly endsAtMs: number }
  | { readonly is: 'gone' | 'no_answer' | 'too_many' | 'refused' }
> {
  const answer = await call('POST', `${pathOf(holdId)}/extend`)
  if (answer.ok)
    return { is: 'extended', endsAtMs: Date.now() + numberOf(answer.body['expiresInSeconds']) * 1_000 }
  return { is: refusal(answer.status, answer.code) }
}

export async function releaseHold(holdId: string): Promise<boolean> {
  const answer = await call('DELETE', pathOf(holdId))
  return answer.ok || answer.status === 404 || answer.code === 'hold_expired'
}

function refusal(status: number, code = ''): 'gone' | 'no_answer' | 'too_many' | 'refused' {
  if (code === 'hold_expired' || status === 404) return 'gone'
  if (status === 0) return 'no_answer'
  return status === 429 ? 'too_many' : 'refused'
}
