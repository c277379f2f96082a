// The same choice as the map's, as plain lists: sections as links, rows as disclosures, seats as toggle buttons.
// Drawn by `performance-page.ts` before the map, so that a keyboard and a screen reader meet it first.

import type { Availability } from './availability.ts'
import type { Hall, Seat } from './catalogue.ts'
import type { Choice } from './choice.ts'
import { h } from './dom.ts'
import { money } from './money.ts'
import { en } from './text/en.ts'

export interface SeatList {
  readonly node: HTMLElement
  /** Writes what has changed. */
  refresh(): void
}

export function listSections({ sections, tiers }: Hall, availability: Availability): SeatList {
  const lines = sections.map((section) => {
    const tier = tiers.findIndex(({ id }) => id === section.tier)
    const { price = 0, fee = 0, currency = '' } = tiers[tier] ?? {}
    const free = h('span', { class: 'free' }, en.counting)
    const item = h(
      'li',
      {},
      h(
        'a',
        { href: `#${encodeURIComponent(section.id)}`, class: `tier-${Math.max(0, tier) % 6}` },
        h('b', {}, section.name),
        free,
        h('span', { class: 'price' }, money(price + fee, currency)),
      ),
    )
    return { section, free, item }
  })
  return {
    node: h('ul', { class: 'sections' }, ...lines.map(({ item }) => item)),
    refresh() {
      for (const { section, free, item } of lines) {
        const count = availability.free(section)
        const words = availability.known() ? en.freeOf(count, section.count) : en.counting
        if (free.textContent !== words) free.textContent = words
        item.classList.toggle('none', availability.known() && count === 0)
      }
    },
  }
}

export function listSeats(
  seats: readonly Seat[],
  {
    availability,
    choice,
    toggle,
  }: { availability: Availability; choice: Choice; toggle: (seat: Seat) => void },
): SeatList {
  const rows = [...new Set(seats.map(({ row }) => row))].map((row) => {
    const mine = seats.filter((seat) => seat.row === row)
    const summary = h('summary')
    const place = h('div', { class: 'row' })
    const details = h('details', {}, summary, place)
    const buttons = new Map<number, HTMLButtonElement>()
    // Made when the row is opened: a section can have 1,500 seats.
    details.addEventListener('toggle', () => {
      if (!details.open || buttons.size > 0) return
      for (const seat of mine) {
        const button = h('button', { type: 'button', onclick: () => toggle(seat) })
        buttons.set(seat.ordinal, button)
        drawButton(seat, button)
      }
      place.append(...buttons.values())
    })
    return { row, mine, summary, details, buttons }
  })

  function drawButton(seat: Seat, button: HTMLButtonElement): void {
    const mark = choice.has(seat.id) ? 'yours' : availability.mark(seat.ordinal)
    const name = en.seatName(seat.row, seat.label, en.mark[mark], seat.accessible)
    if (button.getAttribute('aria-label') === name) return
    button.setAttribute('aria-label', name)
    button.setAttribute('aria-pressed', String(mark === 'yours'))
    // Not `disabled`: a seat that is taken while it has the focus must not throw the focus away.
    button.setAttribute('aria-disabled', String(mark === 'h' || mark === 'x'))
    // A seat can be kept for those who need it without being a wheelchair space.
    const sign = seat.accessible || mark === 'a'
    button.textContent = sign ? `${seat.label} ♿` : seat.label
    button.className = `mark-${mark}${sign ? ' access' : ''}`
  }

  function refresh(): void {
    for (const { row, mine, summary, buttons } of rows) {
      const marks = mine.map(({ ordinal }) => availability.mark(ordinal))
      const words = en.row(
        row,
        marks.filter((mark) => mark === 'f').length,
        marks.filter((mark) => mark === 'a').length,
      )
      if (summary.textContent !== words) summary.textContent = words
      for (const seat of mine) {
        const button = buttons.get(seat.ordinal)
        if (button !== undefined) drawButton(seat, button)
      }
    }
  }
  refresh()
  return { node: h('div', { class: 'rows' }, ...rows.map(({ details }) => details)), refresh }
}
