// The page of one performance: hall → section → seats → hold → details. Puts list, map, cart and checkout together
// around one choice and one live availability. The address's fragment names the open section, so Back works.

import { call } from './api.ts'
import { areaForm } from './area-form.ts'
import { watchAvailability } from './availability.ts'
import { createCart } from './cart.ts'
import {
  type Hall,
  type Performance,
  readHall,
  readPerformance,
  readSeats,
  type Seat,
  type Section,
} from './catalogue.ts'
import { createCheckout } from './checkout.ts'
import { createChoice } from './choice.ts'
import { element, h } from './dom.ts'
import type { Fields } from './fields.ts'
import { createHeldSeats } from './held-seats.ts'
import type { Hold } from './hold.ts'
import { longTime, money } from './money.ts'
import { notice, speak } from './notices.ts'
import { drawOverview } from './overview-map.ts'
import { listSeats, listSections } from './seat-list.ts'
import { drawSection, legend } from './section-map.ts'
import { en } from './text/en.ts'

export function startPerformancePage(data: Fields): void {
  const performance = readPerformance(data['performance'])
  element('when').textContent = longTime(performance.startsAt)
  if (performance.eventId !== '')
    element('back').setAttribute('href', `/events/${encodeURIComponent(performance.eventId)}`)
  void load(performance)
}

const seatsPath = ({ id }: Performance): string => `/api/performances/${encodeURIComponent(id)}/seats`

async function load(performance: Performance): Promise<void> {
  const answer = await call('GET', seatsPath(performance))
  if (answer.ok) return openHall(performance, readHall(answer.body))
  return notice(en.hallFailed, { name: en.tryAgain, act: () => location.reload() })
}

function openHall(performance: Performance, hall: Hall): void {
  const choice = createChoice()
  const loaded = new Map<string, readonly Seat[]>()
  let refreshes: readonly ((ordinals: readonly number[] | undefined) => void)[] = []
  let holding = false
  /** Given back by this page and still chosen: the map may call them held for a moment longer. */
  let returned: readonly string[] = []
  const refresh = (ordinals?: readonly number[]): void => {
    for (const each of refreshes) each(ordinals)
  }

  const availability = watchAvailability(performance.id, (ordinals) => {
    if (held.current() === undefined && !holding) dropTaken(choice.all().filter(isTaken))
    refresh(ordinals)
  })
  const held = createHeldSeats(performance.id, {
    held: showHold,
    tick: (seconds) => cart.showTime(seconds),
    freed: showChoosing,
  })
  const cart = createCart(element('cart'), hall, {
    remove: (seat) => {
      notice('')
      choice.remove([seat.id])
    },
    hold: () => void hold(),
    extend: () => void held.extend(),
    change: () => void held.release(),
  })
  createCheckout(held)

  function isTaken({ id, ordinal }: Seat): boolean {
    const mark = availability.mark(ordinal)
    if (mark === 'h' && returned.includes(id)) return false
    returned = returned.filter((other) => other !== id)
    return mark === 'h' || mark === 'x'
  }

  function toggle(seat: Seat): void {
    notice('')
    if (choice.has(seat.id)) return choice.remove([seat.id])
    const mark = availability.mark(seat.ordinal)
    if (mark === 'h' || mark === 'x')
      return speak(en.seatName(seat.row, seat.label, en.mark[mark], seat.accessible))
    if (!choice.add(seat)) notice(en.atMost)
    else if (mark === 'a') notice(en.forAccess)
    else speak(en.seatName(seat.row, seat.label, en.mark.yours, seat.accessible))
  }

  function dropTaken(taken: readonly Seat[]): void {
    if (taken.length === 0) return
    choice.remove(taken.map(({ id }) => id))
    notice(en.taken(taken.map(({ section, row, label }) => en.seatLine(section, row, label)).join('; ')))
  }

  async function hold(): Promise<void> {
    const seats = choice.all()
    holding = true
    returned = []
    notice('')
    cart.showChoice(seats, true)
    const taken = await held.take({
      seats: seats.map(({ id }) => id),
      // Whoever chose such a place was told what that says.
      ...(seats.some(({ ordinal }) => availability.mark(ordinal) === 'a') && { accessible: true }),
    })
    holding = false
    // Marking them drops them from the choice, with a word, as for any seat that is taken meanwhile.
    const lost = seats.filter(({ id }) => taken.includes(id))
    availability.taken(lost.map(({ ordinal }) => ordinal))
    if (held.current() === undefined) cart.showChoice(choice.all(), false)
  }

  function showHold(hold: Hold): void {
    document.body.dataset['step'] = 'checkout'
    const arriving = element('checkout').hidden
    for (const id of ['list', 'map']) element(id).hidden = true
    element('checkout').hidden = false
    cart.showHold(hold)
    if (!arriving) return
    scrollTo(0, 0)
    element('checkout-title').focus()
  }

  function showChoosing(over: Hold, lost: boolean): void {
    document.body.dataset['step'] = 'choose'
    for (const id of ['list', 'map']) element(id).hidden = false
    element('checkout').hidden = true
    const ids = over.seats.map(({ id }) => id)
    // Given up by the visitor: still chosen. Lost: chosen again only by hand.
    if (lost) choice.remove(ids)
    else returned = ids
    availability.again()
    cart.showChoice(choice.all(), false)
    refresh()
    element('list-title').focus()
  }

  async function seatsOf(section: Section): Promise<readonly Seat[] | undefined> {
    const known = loaded.get(section.id)
    if (known !== undefined) return known
    const answer = await call('GET', `${seatsPath(performance)}?section=${encodeURIComponent(section.id)}`)
    if (!answer.ok) return undefined
    const seats = readSeats(answer.body, section)
    loaded.set(section.id, seats)
    return seats
  }

  function showOverview(): void {
    const list = listSections(hall, availability)
    const map = drawOverview(hall, availability)
    refreshes = [() => list.refresh(), () => map.refresh()]
    element('list-title').textContent = en.chooseSection
    element('list').replaceChildren(element('list-title'), list.node)
    element('map').replaceChildren(map.node, h('p', { class: 'hint' }, en.mapHint))
    refresh()
  }

  /** Where there are no seats to choose from, the map stays the hall's. */
  function showArea(section: Section): void {
    const form = areaForm(section, {
      availability,
      async hold(quantity) {
        notice('')
        await held.take({ areas: [{ section: section.id, quantity }] })
      },
    })
    const map = drawOverview(hall, availability)
    refreshes = [() => form.refresh(), () => map.refresh()]
    listOneSection(section, form.node)
    element('map').replaceChildren(map.node, h('p', { class: 'hint' }, en.mapHint))
    refresh()
  }

  async function showSection(section: Section): Promise<void> {
    if (section.general) return showArea(section)
    const seats = await seatsOf(section)
    if (seats === undefined) return notice(en.hallFailed, { name: en.tryAgain, act: () => void route() })
    const parts = { availability, choice, toggle }
    const list = listSeats(seats, parts)
    const map = drawSection(seats, parts)
    refreshes = [() => list.refresh(), (ordinals) => map.refresh(ordinals)]
    listOneSection(section, list.node)
    element('map').replaceChildren(map.node, legend(), h('p', { class: 'hint' }, en.sectionHint))
  }

  function listOneSection(section: Section, node: HTMLElement): void {
    const tier = hall.tiers.find(({ id }) => id === section.tier)
    const price =
      tier === undefined ? '' : `${tier.name} · ${en.each(money(tier.price + tier.fee, tier.currency))}`
    element('list-title').textContent = section.name
    element('list').replaceChildren(
      h('p', {}, h('a', { href: '#', class: 'back' }, en.allSections)),
      element('list-title'),
      h('p', { class: 'hint' }, price),
      node,
    )
  }

  async function route(): Promise<void> {
    notice('')
    const fragment = location.hash.slice(1)
    const section = hall.sections.find(({ id }) => encodeURIComponent(id) === fragment || id === fragment)
    await (section === undefined ? showOverview() : showSection(section))
  }

  choice.onChange(() => {
    cart.showChoice(choice.all(), false)
    refresh()
  })
  window.addEventListener('hashchange', () => {
    void route().then(() => element('list-title').focus({ preventScroll: true }))
  })
  cart.showChoice([], false)
  void route()
  availability.start()
  void held.restore()
}
