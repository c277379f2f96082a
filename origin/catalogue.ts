// What is on sale, read from Postgres: events, performances, and seats by id or ordinal. Called by `catalogue-cache.ts` for
// pages and catalogue, and directly by holds, orders and availability, whose answers must not be older than some seconds.
// Never reads a whole hall at once.

import { and, asc, eq, getTableColumns, gt, inArray, sql } from 'drizzle-orm'
import type { Database } from '../src/db/client.ts'
import { events, halls, performances, priceTiers, sections, seats } from '../src/db/halls.ts'
import { parseRoomId, type RoomId } from '../src/ids.ts'
import { MS_PER_MINUTE, msToRfc3339 } from '../src/time.ts'
import { ShortCache } from './short-cache.ts'

export interface Performance {
  readonly id: string
  readonly eventId: string
  readonly eventName: string
  readonly hallId: string
  readonly name: string
  /** RFC 3339. */
  readonly startsAt: string
  /** The waiting room whose admission it takes. */
  readonly room: RoomId
  readonly currency: string
  /** Number of seats in the hall; ordinals run from 0 to one less. */
  readonly seats: number
  /** Changes with whatever the seat map shows. */
  readonly version: string
}

export interface CatalogueEvent {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly venue: string
  readonly currency: string
}

/** An event of the list, with the rooms of its performances: who is admitted to one of them may see it. */
export interface ListedEvent extends CatalogueEvent {
  readonly rooms: readonly RoomId[]
}

/** A seat as holds, orders and tickets show it. Prices in minor units. */
export interface SeatDescription {
  readonly ordinal: number
  readonly id: string
  /** The section's name. */
  readonly section: string
  readonly row: string
  readonly label: string
  /** The price tier's name. */
  readonly tier: string
  readonly price: number
  readonly fee: number
}

// Wider than what an import accepts for any of them. Anything else is in no table, and Postgres, which refuses some
// characters altogether, is not asked.
const ID = /^[A-Za-z0-9_-]{1,127}$/
/** Whether a text can be the id of an event, performance, section or seat. */
export const isId = (text: string): boolean => ID.test(text)

// An import is seen within this time; every isolate keeps its own copy. Asks the primary, and Redis never: orders take their
// currency from here.
const CACHE_MS = 10_000
const cache = new ShortCache<Performance>({ ttlMs: CACHE_MS, limit: 500 })

/** Seats may be sold at the door; nobody queues for a performance of yesterday. */
const ON_SALE_AFTER_START_MS = 24 * 60 * MS_PER_MINUTE

const performanceColumns = {
  id: performances.id,
  eventId: performances.eventId,
  eventName: events.name,
  hallId: performances.hallId,
  name: performances.name,
  startsAt: performances.startsAt,
  room: performances.room,
  currency: performances.currency,
  seats: halls.seatCount,
  version: performances.version,
}

/** By id, remembered for some seconds; `undefined` for an unknown one, which is not remembered. */
export async function findPerformance(db: Database, id: string): Promise<Performance | undefined> {
  const nowMs = Date.now()
  const known = cache.get(db, id, nowMs)
  if (known !== undefined) return known
  const performance = await readPerformance(db, id)
  if (performance !== undefined) cache.set(db, id, performance, nowMs)
  return performance
}

/** After an import in this isolate. */
export const forgetPerformances = (db: Database): void => cache.clear(db)

export async function readPerformance(db: Database, id: string): Promise<Performance | undefined> {
  if (!isId(id)) return undefined
  const [row] = await selectPerformances(db).where(eq(performances.id, id))
  return row === undefined ? undefined : toPerformance(row)
}

export async function listPerformances(db: Database, eventId: string): Promise<Performance[]> {
  return isId(eventId) ? (await selectPerformancesOf(db, eventId)).map(toPerformance) : []
}

/** All that began, or will begin, after this time, the earliest first. */
export async function listPerformancesSince(db: Database, sinceMs: number): Promise<Performance[]> {
  const rows = await selectPerformances(db)
    .where(gt(performances.startsAt, new Date(sinceMs)))
    .orderBy(asc(performances.startsAt), asc(performances.id))
  return rows.map(toPerformance)
}

export const isOnSale = ({ startsAt }: Performance, nowMs: number): boolean =>
  Date.parse(startsAt) + ON_SALE_AFTER_START_MS > nowMs

const selectPerformancesOf = (db: Database, eventId: string) =>
  selectPerformances(db)
    .where(eq(performances.eventId, eventId))
    .orderBy(asc(performances.startsAt), asc(performances.id))

function selectPerformances(db: Database) {
  return db
    .select(performanceColumns)
    .from(performances)
    .innerJoin(halls, eq(halls.id, performances.hallId))
    .innerJoin(events, eq(events.id, performances.eventId))
}

function toPerformance(row: Awaited<ReturnType<typeof selectPerformances>>[number]): Performance {
  const room = parseRoomId(row.room)
  if (room === undefined) throw new Error(`performance ${row.id} names no usable room: "${row.room}"`)
  return { ...row, room, startsAt: msToRfc3339(row.startsAt.getTime()) }
}

export async function listEvents(db: Database): Promise<ListedEvent[]> {
  const rows = await db
    .select({
      ...getTableColumns(events),
      rooms: sql<
        string[]
      >`coalesce(jsonb_agg(distinct ${performances.room}) filter (where ${performances.room} is not null), '[]')`,
    })
    .from(events)
    .leftJoin(performances, eq(performances.eventId, events.id))
    .groupBy(events.id)
    .orderBy(asc(events.name), asc(events.id))
  return rows.map((row) => ({ ...row, rooms: row.rooms.flatMap((room) => parseRoomId(room) ?? []) }))
}

/** An event with its performances by date. */
export async function readEvent(
  db: Database,
  id: string,
): Promise<{ readonly event: CatalogueEvent; readonly performances: readonly Performance[] } | undefined> {
  if (!isId(id)) return undefined
  const [[event], rows] = await db.batch([
    db.select().from(events).where(eq(events.id, id)),
    selectPerformancesOf(db, id),
  ])
  return event === undefined ? undefined : { event, performances: rows.map(toPerformance) }
}

/** Seat ids → ordinals, in the order asked; `unknown` names ids that the hall does not have. */
export async function seatOrdinals(
  db: Database,
  performanceId: string,
  seatIds: readonly string[],
): Promise<{ readonly ordinals: readonly number[]; readonly unknown: readonly string[] }> {
  const known = seatIds.filter(isId)
  if (known.length === 0) return { ordinals: [], unknown: seatIds }
  const rows = await db
    .select({ id: seats.id, ordinal: seats.ordinal })
    .from(seats)
    .innerJoin(performances, eq(performances.hallId, seats.hallId))
    .where(and(eq(performances.id, performanceId), inArray(seats.id, known)))
  const ordinalOf = new Map(rows.map((row) => [row.id, row.ordinal]))
  return {
    ordinals: seatIds.flatMap((id) => ordinalOf.get(id) ?? []),
    unknown: seatIds.filter((id) => !ordinalOf.has(id)),
  }
}

/** Seats with what they cost at this performance, sorted by ordinal. An ordinal that the hall lacks is left out. */
export function describeSeats(
  db: Database,
  performanceId: string,
  ordinals: readonly number[],
): Promise<SeatDescription[]> {
  return db
    .select({
      ordinal: seats.ordinal,
      id: seats.id,
      section: sections.name,
      row: seats.row,
      label: seats.label,
      tier: priceTiers.name,
      price: priceTiers.priceMinor,
      fee: priceTiers.feeMinor,
    })
    .from(performances)
    .innerJoin(seats, eq(seats.hallId, performances.hallId))
    .innerJoin(sections, and(eq(sections.hallId, seats.hallId), eq(sections.id, seats.sectionId)))
    .innerJoin(
      priceTiers,
      and(eq(priceTiers.performanceId, performances.id), eq(priceTiers.id, seats.tierId)),
    )
    .where(and(eq(performances.id, performanceId), inArray(seats.ordinal, [...ordinals])))
    .orderBy(asc(seats.ordinal))
}
