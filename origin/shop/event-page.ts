// The page of one event: what it is, and its performances. Everything comes with the page; nothing is asked for.

import { readPerformance } from './catalogue.ts'
import { element, h } from './dom.ts'
import { type Fields, fieldsOf, listOf, textOf } from './fields.ts'
import { longTime } from './money.ts'
import { en } from './text/en.ts'

export function startEventPage(data: Fields): void {
  const event = fieldsOf(data['event'])
  element('description').textContent = textOf(event['description'])
  element('venue').textContent = textOf(event['venue'])
  const lines = listOf(data['performances'])
    .map(readPerformance)
    .toSorted((one, other) => one.startsAt.localeCompare(other.startsAt))
    .map(({ id, name, startsAt }) =>
      h(
        'li',
        {},
        h('div', {}, h('h3', {}, name), h('p', {}, h('time', { datetime: startsAt }, longTime(startsAt)))),
        h(
          'a',
          {
            class: 'primary',
            href: `/performances/${encodeURIComponent(id)}`,
            'aria-label': `${en.chooseSeats}: ${name}`,
          },
          en.chooseSeats,
        ),
      ),
    )
  element('performances').replaceChildren(...lines)
  if (lines.length === 0) element('performances').replaceWith(h('p', { class: 'notice' }, en.noPerformances))
}
