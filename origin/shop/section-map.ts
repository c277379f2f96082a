// The seats of one section, drawn where they stand: each state has a shape as well as a colour. Drawn by
// `performance-page.ts`. For eye and finger; the list beside it offers the same to keyboard and screen reader.

import type { Availability, Mark } from './availability.ts'
import type { Seat } from './catalogue.ts'
import type { Choice } from './choice.ts'
import { h, svg } from './dom.ts'
import { panZoom } from './pan-zoom.ts'
import { en } from './text/en.ts'

export interface SectionMap {
  readonly node: HTMLElement
  refresh(ordinals: readonly number[] | undefined): void
}

/** Smallest seat that a finger or a mouse hits for sure (px from seat to seat); smaller ones are zoomed to first. */
const FINGER_PX = 22
const MOUSE_PX = 10

/** Shapes in a square of 2 around the seat's middle. */
const SHAPES: Readonly<Record<Mark | 'yours', string>> = {
  f: 'M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z',
  yours: 'M-1-1h2v2h-2z',
  h: 'M-.8 0a.8 .8 0 1 0 1.6 0a.8 .8 0 1 0-1.6 0z',
  x: 'M-.6-.6l1.2 1.2m0-1.2l-1.2 1.2',
  a: 'M0-1.05L1.05 0L0 1.05L-1.05 0z',
}

/** Distance between neighbours: the median to the next seat of the same row. */
function pitchOf(seats: readonly Seat[]): number {
  const steps = seats
    .slice(1)
    .flatMap((seat, at) => {
      const before = seats[at]
      return before?.row === seat.row ? [Math.hypot(seat.x - before.x, seat.y - before.y)] : []
    })
    .toSorted((one, other) => one - other)
  return steps[Math.floor(steps.length / 2)] ?? 1
}

export function drawSection(
  seats: readonly Seat[],
  {
    availability,
    choice,
    toggle,
  }: { availability: Availability; choice: Choice; toggle: (seat: Seat) => void },
): SectionMap {
  const pitch = pitchOf(seats)
  const margin = pitch * 2.5
  const xs = seats.map(({ x }) => x)
  const ys = seats.map(({ y }) => y)
  const [left, top] = [Math.min(...xs) - margin, Math.min(...ys) - margin]
  const whole = {
    x: left,
    y: top,
    width: Math.max(...xs) + margin - left,
    height: Math.max(...ys) + margin - top,
  }
  const drawing = svg('svg', { class: 'seats', 'aria-hidden': 'true' })
  const marks = new Map(
    seats.map((seat) => {
      const path = svg('path', { transform: `translate(${seat.x} ${seat.y}) scale(${pitch * 0.43})` })
      return [seat.ordinal, { seat, path }]
    }),
  )
  drawing.append(...[...marks.values()].map(({ path }) => path), ...rowLetters(seats, pitch))

  function refresh(ordinals: readonly number[] | undefined): void {
    for (const ordinal of ordinals ?? marks.keys()) {
      const drawn = marks.get(ordinal)
      if (drawn === undefined) continue
      const mark = choice.has(drawn.seat.id) ? 'yours' : availability.mark(ordinal)
      drawn.path.setAttribute('class', `seat-${mark}`)
      drawn.path.setAttribute('d', SHAPES[mark === 'f' && drawn.seat.accessible ? 'a' : mark])
    }
  }

  const view = panZoom(drawing, whole, (x, y, pointerType) => {
    if (pitch * view.scale() < (pointerType === 'mouse' ? MOUSE_PX : FINGER_PX)) return view.zoom(2.5, [x, y])
    const [nearest] = seats
      .map((seat) => ({ seat, away: Math.hypot(seat.x - x, seat.y - y) }))
      .toSorted((one, other) => one.away - other.away)
    if (nearest !== undefined && nearest.away < pitch) toggle(nearest.seat)
  })
  const button = (name: string, sign: string, act: () => void): HTMLElement =>
    h('button', { type: 'button', 'aria-label': name, title: name, onclick: act }, sign)
  refresh(undefined)
  return {
    node: h(
      'div',
      { class: 'section-map' },
      drawing,
      h(
        'div',
        { class: 'zoom' },
        button(en.zoomIn, '+', () => view.zoom(1.8)),
        button(en.zoomOut, '−', () => view.zoom(1 / 1.8)),
        button(en.wholeSection, '⤢', () => view.reset()),
      ),
    ),
    refresh,
  }
}

/** Each row's letter, one step before its first seat. */
function rowLetters(seats: readonly Seat[], pitch: number): readonly SVGTextElement[] {
  return [...new Set(seats.map(({ row }) => row))].flatMap((row) => {
    const [first, second] = seats.filter((seat) => seat.row === row)
    if (first === undefined) return []
    const [stepX, stepY] = second === undefined ? [pitch, 0] : [second.x - first.x, second.y - first.y]
    const length = Math.hypot(stepX, stepY) || 1
    const x = first.x - (stepX / length) * pitch * 1.3
    const y = first.y - (stepY / length) * pitch * 1.3
    return [svg('text', { x: String(x), y: String(y), 'font-size': String(pitch * 0.8), dy: '0.35em' }, row)]
  })
}

export function legend(): HTMLElement {
  const items = (['f', 'yours', 'h', 'x', 'a'] as const).map((mark) =>
    h(
      'li',
      {},
      svg(
        'svg',
        { viewBox: '-1.5 -1.5 3 3', 'aria-hidden': 'true' },
        svg('path', { d: SHAPES[mark], class: `seat-${mark}` }),
      ),
      en.legend[mark],
    ),
  )
  return h('ul', { class: 'legend' }, ...items)
}
