// The shapes that the shop draws: performances, prices, sections, seats. Read from the page's data and the API's answers.

import { type Fields, fieldsOf, listOf, numberOf, textOf } from './fields.ts'

export interface Performance {
  readonly id: string
  readonly eventId: string
  readonly eventName: string
  readonly name: string
  /** RFC 3339 UTC. */
  readonly startsAt: string
}

/** Money in minor units of the currency. */
export interface Tier {
  readonly id: string
  readonly name: string
  readonly price: number
  readonly fee: number
  readonly currency: string
}

/** Boxes are in the units of the hall. */
export interface Section {
  readonly id: string
  readonly name: string
  /** Places without numbers, asked for by quantity. */
  readonly general: boolean
  readonly tier: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Corners of its shape in order; its box where the hall names none. */
  readonly outline: readonly (readonly [x: number, y: number])[]
  readonly firstOrdinal: number
  readonly count: number
}

export interface Seat {
  readonly id: string
  readonly ordinal: number
  readonly section: string
  readonly row: string
  readonly label: string
  readonly x: number
  readonly y: number
  readonly tier: string
  readonly accessible: boolean
}

export interface Hall {
  readonly tiers: readonly Tier[]
  readonly sections: readonly Section[]
}

export function readPerformance(value: unknown): Performance {
  const { id, eventId, eventName, name, startsAt } = fieldsOf(value)
  return {
    id: textOf(id),
    eventId: textOf(eventId),
    eventName: textOf(eventName),
    name: textOf(name),
    startsAt: textOf(startsAt),
  }
}

export function readHall(body: Fields): Hall {
  return {
    tiers: listOf(body['tiers']).map(({ id, name, price, fee, currency }) => ({
      id: textOf(id),
      name: textOf(name),
      price: numberOf(price),
      fee: numberOf(fee),
      currency: textOf(currency),
    })),
    sections: listOf(body['sections']).map((section) => ({
      id: textOf(section['id']),
      name: textOf(section['name']),
      general: section['kind'] === 'general',
      tier: textOf(section['tier']),
      x: numberOf(section['x']),
      y: numberOf(section['y']),
      width: numberOf(section['width']),
      height: numberOf(section['height']),
      outline: outlineOf(section),
      firstOrdinal: numberOf(section['firstOrdinal']),
      count: numberOf(section['count']),
    })),
  }
}

function outlineOf({ outline, x, y, width, height }: Fields): readonly (readonly [number, number])[] {
  const corners: readonly unknown[] = Array.isArray(outline) ? outline : []
  const points = corners.flatMap((corner) =>
    Array.isArray(corner) ? [[numberOf(corner[0]), numberOf(corner[1])] as const] : [],
  )
  if (points.length > 2) return points
  const [left, top, right, foot] = [
    numberOf(x),
    numberOf(y),
    numberOf(x) + numberOf(width),
    numberOf(y) + numberOf(height),
  ]
  return [
    [left, top],
    [right, top],
    [right, foot],
    [left, foot],
  ]
}

/** Seats in the order of their ordinals; a seat without a tier of its own has its section's. */
export function readSeats(body: Fields, section: Section): readonly Seat[] {
  return listOf(body['seats']).map((seat) => ({
    id: textOf(seat['id']),
    ordinal: numberOf(seat['ordinal']),
    section: section.name,
    row: textOf(seat['row']),
    label: textOf(seat['label']),
    x: numberOf(seat['x']),
    y: numberOf(seat['y']),
    tier: textOf(seat['tier']) || section.tier,
    accessible: seat['accessible'] === true,
  }))
}
