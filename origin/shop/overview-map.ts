// The whole hall for the eye and the finger: each section in its own shape, with its name and how many seats are free.
// Drawn by `performance-page.ts`. Hidden from assistive technology: the list beside it offers the same and comes first.

import type { Availability } from './availability.ts'
import type { Hall, Section } from './catalogue.ts'
import { svg } from './dom.ts'
import { en } from './text/en.ts'

/** Room left between two sections, in parts of the hall's width. */
const GAP = 0.006

export interface OverviewMap {
  readonly node: SVGSVGElement
  /** Writes what has changed. */
  refresh(): void
}

function middleOf({ outline }: Section): readonly [x: number, y: number] {
  const sum = outline.reduce(([x, y], corner) => [x + corner[0], y + corner[1]] as const, [0, 0] as const)
  return [sum[0] / outline.length, sum[1] / outline.length]
}

export function drawOverview({ sections: all, tiers }: Hall, availability: Availability): OverviewMap {
  // An area that the hall draws nowhere is in the list alone.
  const sections = all.filter(({ width, height }) => width > 0 || height > 0)
  const boxes = sections.length > 0 ? sections : [{ x: 0, y: 0, width: 1, height: 1 }]
  const left = Math.min(...boxes.map(({ x }) => x))
  const top = Math.min(...boxes.map(({ y }) => y))
  const width = Math.max(...boxes.map((box) => box.x + box.width)) - left
  const height = Math.max(...boxes.map((box) => box.y + box.height)) - top
  const margin = width * 0.02
  const node = svg('svg', {
    viewBox: `${left - margin} ${top - margin} ${width + 2 * margin} ${height + 2 * margin}`,
    class: 'overview',
    'aria-hidden': 'true',
  })
  const size = Math.sqrt((width * height) / boxes.length) * 0.28
  const parts = sections.map((section) => {
    const [x, y] = middleOf(section)
    const free = svg('text', {
      x: String(x),
      y: String(y),
      'font-size': String(size * 0.78),
      dy: '1.02em',
      class: 'free',
    })
    const shape = svg('polygon', {
      points: section.outline.map((corner) => corner.join()).join(' '),
      'stroke-width': String(width * GAP),
      class: 'ground',
    })
    const tier = tiers.findIndex(({ id }) => id === section.tier)
    const link = svg(
      'a',
      {
        href: `#${encodeURIComponent(section.id)}`,
        tabindex: '-1',
        class: `part tier-${Math.max(0, tier) % 6}`,
      },
      shape,
      svg('text', { x: String(x), y: String(y), 'font-size': String(size), dy: '-0.05em' }, section.id),
      free,
    )
    node.append(link)
    return { section, free, shape, link }
  })
  node.append(
    svg(
      'text',
      {
        x: String(left + width / 2),
        y: String(top + height * 0.1),
        'font-size': String(width * 0.026),
        class: 'stage',
      },
      en.stage,
    ),
  )

  function refresh(): void {
    for (const { section, free, shape, link } of parts) {
      const count = availability.free(section)
      const words = availability.known() ? String(count) : ''
      if (free.textContent !== words) free.textContent = words
      // The fuller the colour, the more is free.
      const share = section.count === 0 ? 0 : count / section.count
      shape.setAttribute('fill-opacity', (0.1 + 0.3 * share).toFixed(2))
      link.classList.toggle('none', availability.known() && count === 0)
    }
  }
  return { node, refresh }
}
