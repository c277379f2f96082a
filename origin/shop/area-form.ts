// An area without numbered seats: how many places, and one button that holds them. Drawn by `performance-page.ts` in place
// of a section's seats; the server chooses the places.

import type { Availability } from './availability.ts'
import type { Section } from './catalogue.ts'
import { MOST_SEATS } from './choice.ts'
import { h } from './dom.ts'
import { en } from './text/en.ts'

export interface AreaForm {
  readonly node: HTMLElement
  /** Writes what has changed. */
  refresh(): void
}

export function areaForm(
  section: Section,
  { availability, hold }: { availability: Availability; hold: (quantity: number) => Promise<void> },
): AreaForm {
  const free = h('p', { role: 'status' })
  const quantity = h('input', {
    id: 'places',
    type: 'number',
    inputmode: 'numeric',
    min: '1',
    max: String(MOST_SEATS),
    step: '1',
    value: '2',
    required: true,
    'aria-describedby': 'places-hint',
  })
  const button = h('button', { class: 'primary' }, en.holdPlaces)
  const node = h(
    'form',
    {},
    free,
    h(
      'p',
      { class: 'field' },
      h('label', { for: 'places' }, en.places),
      h('span', { id: 'places-hint', class: 'hint' }, en.placesHint),
      quantity,
    ),
    button,
  )
  let busy = false

  async function submit(): Promise<void> {
    if (busy) return
    busy = true
    button.textContent = en.holding
    button.setAttribute('aria-disabled', 'true')
    await hold(quantity.valueAsNumber)
    busy = false
    button.textContent = en.holdPlaces
    button.setAttribute('aria-disabled', 'false')
  }
  // Only what the browser has checked by the field's own bounds is submitted.
  node.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })

  return {
    node,
    refresh() {
      const words = availability.known() ? en.freeOf(availability.free(section), section.count) : en.counting
      if (free.textContent !== words) free.textContent = words
    },
  }
}
