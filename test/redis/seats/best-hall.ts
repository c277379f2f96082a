// Halls for the tests of best available, and a judge of what the script chose: the rules of docs/seats.md in plain code that
// tries everything. Used by best-*.test.ts only.

import { expect } from 'vitest'
import type { SeatRun } from '../../../src/db/halls.ts'
import { layoutText, type LayoutSection } from '../../../src/redis/seat-layout.ts'
import type { SeatMark } from '../../../src/redis/seat-marks.ts'
import { randomUUID } from 'node:crypto'
import type { HoldBestOutcome, HoldBestRequest } from '../../../src/redis/seats.ts'
import { session } from './setup.ts'

const NEAR = 25
const COMPARABLE = 100
const SLACK = 2

interface Run extends SeatRun {
  readonly section: string
  readonly place: number
  readonly rank: number
}

export interface Hall {
  readonly seats: number
  readonly sections: readonly LayoutSection[]
  readonly layout: string
  /** By ordinal. */
  readonly runs: readonly Run[]
}

export type Wish = Pick<HoldBestRequest, 'quantity' | 'section' | 'tier' | 'accessible'>

/** Rows by section, each a list of runs by their sizes; the rows of every section begin at the same distance. */
export function hallOf(
  rows: Readonly<Record<string, readonly { runs: readonly number[]; distance: number; tier?: string }[]>>,
  areas: Readonly<Record<string, number>> = {},
): Hall {
  let seats = 0
  const sections: LayoutSection[] = Object.entries(rows).map(([id, lines]) => {
    const firstOrdinal = seats
    const runs = lines.flatMap(({ runs: sizes, distance, tier = 'gold' }, row) =>
      sizes.map((count) => {
        seats += count
        return { row: String(row), tier, firstOrdinal: seats - count, count, distance }
      }),
    )
    return { id, kind: 'seated', firstOrdinal, seatCount: seats - firstOrdinal, tierId: 'gold', runs }
  })
  for (const [id, seatCount] of Object.entries(areas)) {
    sections.push({ id, kind: 'general', firstOrdinal: seats, seatCount, tierId: 'lawn', runs: [] })
    seats += seatCount
  }
  const layout = layoutText(sections)
  const ranks = new Map(
    Array.from(layout.matchAll(/^s \d+ (\d+) \d+ (\d+) /gm), ([, first, rank]) => [
      Number(first),
      Number(rank),
    ]),
  )
  const runs = sections
    .flatMap((section) => section.runs.map((run) => ({ ...run, section: section.id })))
    .map((run, place) => ({ ...run, place, rank: ranks.get(run.firstOrdinal) ?? Number.NaN }))
  return { seats, sections, layout, runs }
}

export function bestRequest(
  performance: string,
  wish: Wish,
  over: { id?: string } & Partial<Omit<HoldBestRequest, 'holdId'>> = {},
): HoldBestRequest {
  const { id = randomUUID(), ...rest } = over
  const times = { ttlMs: 60_000, maxLifeMs: 180_000 }
  return { holdId: `${performance}.${id}`, session: session('a'), seed: id, ...times, ...wish, ...rest }
}

interface Gap {
  readonly run: Run
  readonly first: number
  readonly size: number
}

const matches = (run: Run, { section, tier }: Wish) =>
  (section === undefined || run.section === section) && (tier === undefined || run.tier === tier)

/** What follows the wish exactly, or a complaint by `expect`. `marks` are those from before. */
export function judge(
  hall: Hall,
  marks: readonly SeatMark[],
  { wish, outcome, where }: { wish: Wish; outcome: HoldBestOutcome; where: string },
): void {
  const isFree = (ordinal: number) =>
    marks[ordinal] === 'f' || (wish.accessible === true && marks[ordinal] === 'a')
  const runs = hall.runs.filter((run) => matches(run, wish))
  const gaps = runs.flatMap((run) => gapsIn(run, isFree))
  const free = sum(gaps.map(({ size }) => size))
  if (free < wish.quantity) {
    expect(outcome, where).toEqual({ status: 'none', free })
    return
  }
  if (outcome.status !== 'held') throw new Error(`${where}: ${outcome.status} with ${free} free`)
  const chosen = outcome.ordinals
  expect(new Set(chosen).size, where).toBe(wish.quantity)
  for (const ordinal of chosen) expect(isFree(ordinal), `${where}: seat ${ordinal} is free`).toBe(true)
  for (const ordinal of chosen) {
    expect(
      gaps.some((gap) => within(gap, ordinal)),
      `${where}: seat ${ordinal} is within the wish`,
    ).toBe(true)
  }

  const places = placesIn(gaps, wish.quantity)
  const withAccessible = places.filter(({ first }) => marks.slice(first, first + wish.quantity).includes('a'))
  const together = wish.accessible === true && withAccessible.length > 0 ? withAccessible : places
  if (together.length > 0) {
    const at = chosen[0] ?? -1
    expect(chosen, `${where}: side by side`).toEqual(chosen.map((_, n) => at + n))
    expect(allowedOf(together), `${where}: one of the best places`).toContain(at)
    return
  }
  judgeGroups(gaps, chosen, { quantity: wish.quantity, where })
}

function gapsIn(run: Run, isFree: (ordinal: number) => boolean): Gap[] {
  const gaps: { run: Run; first: number; size: number }[] = []
  for (let ordinal = run.firstOrdinal; ordinal < run.firstOrdinal + run.count; ordinal += 1) {
    const last = gaps.at(-1)
    if (!isFree(ordinal)) continue
    if (last !== undefined && last.first + last.size === ordinal) last.size += 1
    else gaps.push({ run, first: ordinal, size: 1 })
  }
  return gaps
}

const within = ({ first, size }: Gap, ordinal: number) => ordinal >= first && ordinal < first + size
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

interface Place {
  readonly run: Run
  readonly first: number
  readonly leavesOneAlone: boolean
  readonly off: number
}

function placesIn(gaps: readonly Gap[], quantity: number): Place[] {
  return gaps.flatMap(({ run, first, size }) =>
    Array.from({ length: Math.max(0, size - quantity + 1) }, (_, left) => ({
      run,
      first: first + left,
      leavesOneAlone: left === 1 || size - quantity - left === 1,
      off: Math.abs(first + left + (quantity - 1) / 2 - (run.firstOrdinal + (run.count - 1) / 2)),
    })),
  )
}

/** First ordinals that the rules allow for a party that finds room side by side. */
function allowedOf(places: readonly Place[]): number[] {
  const [best] = places.map(({ run }) => run).toSorted((a, b) => a.rank - b.rank || a.place - b.place)
  if (best === undefined) throw new Error('no place')
  const comparable = places.filter(({ run }) => run.tier === best.tier && run.rank <= best.rank + COMPARABLE)
  const clean = comparable.filter(({ leavesOneAlone }) => !leavesOneAlone)
  const of = clean.length > 0 ? clean : comparable
  const nearest = Math.min(...of.map(({ run }) => run.rank))
  return of
    .filter(({ run }) => run.rank <= nearest + NEAR)
    .filter(({ run, off }) => {
      const inRun = of.filter((other) => other.run === run)
      return off <= Math.min(...inRun.map((other) => other.off)) + SLACK
    })
    .map(({ first }) => first)
}

function judgeGroups(
  gaps: readonly Gap[],
  chosen: readonly number[],
  { quantity, where }: { quantity: number; where: string },
): void {
  const used = gaps
    .map((gap) => ({ gap, seats: chosen.filter((ordinal) => within(gap, ordinal)) }))
    .filter(({ seats }) => seats.length > 0)
  for (const { seats } of used) {
    expect(seats, `${where}: a group sits side by side`).toEqual(seats.map((_, n) => (seats[0] ?? 0) + n))
  }
  const ids = [...new Set(gaps.map(({ run }) => run.section))]
  const sections = ids.map((id) => gaps.filter(({ run }) => run.section === id))
  const roomy = sections.filter((part) => sum(part.map(({ size }) => size)) >= quantity)
  const parts = (roomy.length > 0 ? roomy : [gaps]).map((part) => ({ part, ...fewest(part, quantity) }))
  const groups = Math.min(...parts.map((part) => part.groups))
  const alone = Math.min(...parts.filter((part) => part.groups === groups).map((part) => part.alone))
  const equals = parts.filter((part) => part.groups === groups && part.alone === alone)
  expect(used.length, `${where}: as few groups as possible`).toBe(groups)
  expect(used.filter(({ seats }) => seats.length === 1).length, `${where}: as few alone as possible`).toBe(
    alone,
  )

  const nearestOf = ({ part }: { part: readonly Gap[] }) => Math.min(...part.map(({ run }) => run.rank))
  const own = equals.find(({ part }) => used.every(({ gap }) => part.includes(gap)))
  if (own === undefined) throw new Error(`${where}: not in one of the best sections`)
  expect(nearestOf(own), `${where}: in a near section`).toBeLessThanOrEqual(
    Math.min(...equals.map(nearestOf)) + NEAR,
  )
  judgeSpan(
    own.part.filter(({ size }) => alone > 0 || size > 1),
    used[0]?.gap,
    {
      span: (used.at(-1)?.gap.run.place ?? 0) - (used[0]?.gap.run.place ?? 0),
      groups,
      quantity,
      where,
    },
  )
}

function judgeSpan(
  gaps: readonly Gap[],
  first: Gap | undefined,
  { span, groups, quantity, where }: { span: number; groups: number; quantity: number; where: string },
): void {
  const seatedIn = (from: number, runs: number) => {
    const sizes = gaps
      .filter(({ run }) => run.place >= from && run.place <= from + runs)
      .map(({ size }) => size)
      .toSorted((a, b) => b - a)
    return sum(sizes.slice(0, groups)) >= quantity
  }
  const starts = [...new Set(gaps.map(({ run }) => run))]
  let shortest = 0
  while (!starts.some(({ place }) => seatedIn(place, shortest))) shortest += 1
  expect(span, `${where}: over as few runs as possible`).toBe(shortest)
  const ranks = starts.filter(({ place }) => seatedIn(place, shortest)).map(({ rank }) => rank)
  expect(first?.run.rank, `${where}: near the stage`).toBeLessThanOrEqual(Math.min(...ranks) + NEAR)
}

/** Fewest groups that the gaps seat the party in, and with that many the fewest persons alone: every division is tried. */
function fewest(gaps: readonly Gap[], quantity: number): { groups: number; alone: number } {
  // Seats taken → groups → fewest alone.
  let reached = new Map([[0, new Map([[0, 0]])]])
  for (const { size } of gaps) {
    const next = new Map(Array.from(reached, ([taken, by]) => [taken, new Map(by)]))
    for (const [taken, by] of reached) {
      for (const [groups, alone] of by) {
        for (let seats = 1; seats <= Math.min(size, quantity - taken); seats += 1) {
          const into = next.get(taken + seats) ?? new Map<number, number>()
          const now = alone + (seats === 1 ? 1 : 0)
          into.set(groups + 1, Math.min(into.get(groups + 1) ?? Infinity, now))
          next.set(taken + seats, into)
        }
      }
    }
    reached = next
  }
  const ends = reached.get(quantity) ?? new Map<number, number>()
  const groups = Math.min(...ends.keys())
  return { groups, alone: ends.get(groups) ?? Infinity }
}
