// Words that appear and are heard: a toast for what the visitor must know, a silent line for screen readers alone.

import { element, h } from './dom.ts'
import { en } from './text/en.ts'

/** Stays until the next one or until it is dismissed: nobody has to read against a clock. */
export function notice(words: string, action?: { readonly name: string; act(): void }): void {
  const place = element('notice')
  const close = (): void => {
    place.hidden = true
  }
  place.hidden = words === ''
  place.replaceChildren(
    h('span', {}, words),
    action === undefined
      ? h('button', { type: 'button', onclick: close }, en.dismiss)
      : h('button', { type: 'button', onclick: () => action.act() }, action.name),
  )
}

export function speak(words: string): void {
  element('spoken').textContent = words
}
