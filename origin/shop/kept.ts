// What the browser remembers for the shop. The hold is for every tab, until it ends; who the buyer is and how the order was
// asked for stay in this tab alone, since a computer may be shared. Called by held seats and checkout.

import { type Fields, fieldsOf, numberOf, textOf } from './fields.ts'
import { requestKey } from './request-key.ts'

export interface Buyer {
  readonly name: string
  readonly email: string
}

function read(storage: Storage, name: string): Fields {
  try {
    return fieldsOf(JSON.parse(storage.getItem(name) ?? '{}'))
  } catch {
    // Written by something else: as good as nothing.
    return {}
  }
}

const holdName = (performance: string): string => `hold:${performance}`

export function keepHold(performance: string, holdId: string, endsAtMs: number): void {
  localStorage.setItem(holdName(performance), JSON.stringify({ holdId, endsAtMs }))
}

/** Forgets this hold, not one that another tab has taken since. */
export function forgetHold(performance: string, holdId: string): void {
  if (read(localStorage, holdName(performance))['holdId'] === holdId) {
    localStorage.removeItem(holdName(performance))
  }
}

export function keptHold(performance: string): string | undefined {
  const { holdId, endsAtMs } = read(localStorage, holdName(performance))
  if (numberOf(endsAtMs) > Date.now()) return textOf(holdId)
  localStorage.removeItem(holdName(performance))
  return undefined
}

export function keepBuyer(buyer: Buyer): void {
  sessionStorage.setItem('buyer', JSON.stringify(buyer))
}

export function keptBuyer(): Buyer {
  const { name, email } = read(sessionStorage, 'buyer')
  return { name: textOf(name), email: textOf(email) }
}

/** One key for one hold and one buyer, kept over a reload: a lost answer finds the same order, other details another. */
export function orderKey(holdId: string, buyer: Buyer): string {
  const name = `order:${holdId}`
  const asked = JSON.stringify([buyer.name, buyer.email])
  const kept = read(sessionStorage, name)
  const key = kept['asked'] === asked ? textOf(kept['key']) : requestKey()
  sessionStorage.setItem(name, JSON.stringify({ ...kept, asked, key }))
  return key
}

export function keepOrder(holdId: string, orderId: string): void {
  const name = `order:${holdId}`
  sessionStorage.setItem(name, JSON.stringify({ ...read(sessionStorage, name), orderId }))
}

/** The order that this tab has made of the hold; empty where it knows of none. */
export const keptOrder = (holdId: string): string =>
  textOf(read(sessionStorage, `order:${holdId}`)['orderId'])
