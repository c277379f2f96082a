// Words that appear and are heard: a toast for what the visitor must know, a silent line for screen readers alone.

import { element, h } from './dom.ts'
import { en } from './text/en.ts'

/**
 * Stays until the next one, until it is dismissed, or until something that the visitor does succeeds (`''` clears it):
 * nobody has to read against a clock.
 */
export function notice(words: string, action?: { readonly name: string; act(): void }): void {
  const place = element('notice')
  const said = place.querySelector('span')?.textContent ?? ''
  // Said already: the button that may have the focus stays.
  if (!place.hidden && words === said) return
  if (words === '') return close(place)
  const active = document.activeElement
  if (active instanceof HTMLElement && !place.contains(active)) before = active
  place.hidden = false
  place.replaceChildren(
    h('span', {}, words),
    action === undefined
      ? h('button', { type: 'button', onclick: () => close(place) }, en.dismiss)
      : h('button', { type: 'button', onclick: () => action.act() }, action.name),
  )
}

/** Where the focus was when the notice came. */
let before: HTMLElement | undefined

function close(place: HTMLElement): void {
  if (place.contains(document.activeElement)) before?.focus()
  place.hidden = true
}

export function speak(words: string): void {
  element('spoken').textContent = words
}
