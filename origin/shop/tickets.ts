// Draws tickets: one card each with its seat, its code and the order's number. The code's SVG is shown as an image, never as markup.
// Called by `order.ts` once an order is paid.

import { h } from './dom.ts'
import { listOf, textOf, type Fields } from './fields.ts'
import { en } from './text/en.ts'

export function drawTickets(
  body: Fields,
  { title, when, number }: { title: string; when: string; number: string },
): readonly HTMLElement[] {
  return listOf(body['tickets']).map((ticket) => {
    const [section, row, label] = [textOf(ticket['section']), textOf(ticket['row']), textOf(ticket['label'])]
    const part = (name: string, value: string): HTMLElement =>
      h('div', {}, h('dt', {}, name), h('dd', {}, value))
    return h(
      'article',
      { class: 'ticket' },
      h('img', {
        src: `data:image/svg+xml,${encodeURIComponent(textOf(ticket['qr']))}`,
        alt: en.qr(en.seatLine(section, row, label)),
        width: '220',
        height: '220',
      }),
      h(
        'div',
        {},
        h('h2', {}, title),
        h('p', {}, when),
        h(
          'dl',
          {},
          ...en.seatParts(section, row, label).map(([name, value]) => part(name, value)),
          part(en.orderWord, number),
        ),
      ),
    )
  })
}
