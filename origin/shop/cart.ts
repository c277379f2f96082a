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
  const title = h('h2', { id: 'cart-title' }, en.yourSeats)
  const count = h('span', { class: 'count' })
  const body = h('div', { class: 'cart-body' })
  const time = h('output', { class: 'time', role: 'timer', 'aria-live': 'off' })
  // A sheet must leave the map in view; a column has the room.
  let linesOpen = matchMedia('(width >= 60rem)').matches
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
      h('span', {}, en.total, h('small', {}, `${money(fees, currency)} ${en.fees}`)),
      h('b', {}, money(total, currency)),
    )

  function showChoice(seats: readonly Seat[], busy: boolean): void {
    count.textContent = `${seats.length} / ${MOST_SEATS}`
    place.classList.toggle('empty', seats.length === 0)
    if (seats.length === 0) return body.replaceChildren(h('p', { class: 'hint' }, en.noSeats))
    const lines = seats.map((seat) => {
      const name = en.seatLine(seat.section, seat.row, seat.label)
      const remove = h(
        'button',
        { type: 'button', class: 'remove', 'aria-label': en.remove(name), onclick: () => acts.remove(seat) },
        '×',
      )
      return h('li', {}, h('span', {}, name), remove)
    })
    const list = h('details', { open: linesOpen }, h('summary', {}, en.showSeats), h('ul', {}, ...lines))
    list.addEventListener('toggle', () => {
      linesOpen = list.open
    })
    const hold = h(
      'button',
      { type: 'button', class: 'primary', 'aria-disabled': String(busy), onclick: () => busy || acts.hold() },
      busy ? en.holding : en.hold,
    )
    return body.replaceChildren(list, h('div', { class: 'settle' }, totals(sumOf(seats)), hold))
  }

  function showHold(hold: Hold): void {
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
      hold.lastsUntil === '' ? '' : h('p', { class: 'hint' }, en.ceiling(shortTime(hold.lastsUntil))),
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
