// The cart: what is chosen with its price, or what is held with its countdown. A sheet at the foot of a phone, a column
// beside the map on wide screens. Drawn by `performance-page.ts`; it asks no server itself.

import type { Hall, Seat } from './catalogue.ts'
import { MOST_SEATS } from './choice.ts'
import { h } from './dom.ts'
import type { Hold } from './hold.ts'
import { clock, money, shortTime } from './money.ts'
import { en } from './text/en.ts'

export interface CartActs {
  remove(seat: Seat): void
  hold(): void
  extend(): void
  change(): void
}

export interface Cart {
  showChoice(seats: readonly Seat[], busy: boolean): void
  showHold(hold: Hold): void
  showTime(seconds: number): void
}

interface Sum {
  readonly total: number
  readonly fees: number
  readonly currency: string
}

export function createCart(place: HTMLElement, { tiers }: Hall, acts: CartActs): Cart {
  const title = h('h2', { id: 'cart-title', tabindex: '-1' }, en.yourSeats)
  const count = h('span', { class: 'count' })
  const body = h('div', { class: 'cart-body' })
  const time = h('output', { class: 'time', role: 'timer', 'aria-live': 'off' })
  place.replaceChildren(h('div', { class: 'cart-head' }, title, count), body)

  function sumOf(seats: readonly Seat[]): Sum {
    const priced = seats.map((seat) => tiers.find(({ id }) => id === seat.tier))
    return {
      total: priced.reduce((sum, tier) => sum + (tier?.price ?? 0) + (tier?.fee ?? 0), 0),
      fees: priced.reduce((sum, tier) => sum + (tier?.fee ?? 0), 0),
      currency: priced[0]?.currency ?? '',
    }
  }

  const totals = ({ total, fees, currency }: Sum): HTMLElement =>
    h(
      'p',
      { class: 'total' },
      h('span', {}, en.total, ' ', h('small', {}, en.fees(money(fees, currency)))),
      h('b', {}, money(total, currency)),
    )

  // Kept and written anew, never made anew: whoever has just pressed a button keeps their place.
  const lines = new Map<string, HTMLElement>()
  const items = h('ul')
  // A sheet must leave the map in view; a column has the room.
  const list = h(
    'details',
    { open: matchMedia('(width >= 60rem)').matches },
    h('summary', {}, en.showSeats),
    items,
  )
  const sum = h('div')
  const holdButton = h('button', { type: 'button', class: 'primary', onclick: () => busy || acts.hold() })
  const chosen = [list, h('div', { class: 'settle' }, sum, holdButton)]
  const ceiling = h('p', { class: 'hint' })
  let busy = false
  let shown: string | undefined

  function lineOf(seat: Seat): HTMLElement {
    const name = en.seatLine(seat.section, seat.row, seat.label)
    const remove = h(
      'button',
      { type: 'button', class: 'remove', 'aria-label': en.remove(name), onclick: () => acts.remove(seat) },
      '×',
    )
    return h('li', {}, h('span', {}, name), remove)
  }

  function dropLine(id: string, line: HTMLElement): void {
    const hadFocus = line.contains(document.activeElement)
    const neighbour = line.nextElementSibling ?? line.previousElementSibling
    lines.delete(id)
    line.remove()
    if (hadFocus) (neighbour?.querySelector('button') ?? title).focus()
  }

  function showChoice(seats: readonly Seat[], nowBusy: boolean): void {
    busy = nowBusy
    shown = undefined
    count.textContent = `${seats.length} / ${MOST_SEATS}`
    place.classList.toggle('empty', seats.length === 0)
    for (const [id, line] of lines) if (!seats.some((seat) => seat.id === id)) dropLine(id, line)
    for (const seat of seats) {
      if (lines.has(seat.id)) continue
      const line = lineOf(seat)
      lines.set(seat.id, line)
      items.append(line)
    }
    sum.replaceChildren(totals(sumOf(seats)))
    holdButton.textContent = busy ? en.holding : en.hold
    holdButton.setAttribute('aria-disabled', String(busy))
    if (seats.length === 0) body.replaceChildren(h('p', { class: 'hint' }, en.noSeats))
    else if (!list.isConnected) body.replaceChildren(...chosen)
  }

  function showHold(hold: Hold): void {
    ceiling.textContent = hold.lastsUntil === '' ? '' : en.ceiling(shortTime(hold.lastsUntil))
    // Extended: only its times are new.
    if (shown === hold.holdId) return
    shown = hold.holdId
    place.classList.remove('empty')
    count.textContent = en.seats(hold.seats.length)
    body.replaceChildren(
      h('p', { class: 'held' }, h('span', {}, en.heldFor), time),
      h(
        'div',
        { class: 'pair' },
        h('button', { type: 'button', onclick: () => acts.extend() }, en.extend),
        h('button', { type: 'button', onclick: () => acts.change() }, en.change),
      ),
      ceiling,
      h(
        'ul',
        {},
        ...hold.seats.map(({ section, row, label }) => h('li', {}, en.seatLine(section, row, label))),
      ),
      totals(hold),
    )
  }

  return {
    showChoice,
    showHold,
    showTime(seconds) {
      time.textContent = clock(seconds)
      time.classList.toggle('soon', seconds <= 60)
    },
  }
}
