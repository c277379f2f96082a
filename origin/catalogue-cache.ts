// The catalogue and the layouts as visitors see them, each answer through `look-aside.ts`. Made once an isolate; asked by
// the routes of catalogue, seats and pages. Not for orders: what a seat costs and which are taken is asked elsewhere.

import { z } from 'zod'
import { SECTION_KINDS } from '../src/db/halls.ts'
import { parseRoomId } from '../src/ids.ts'
import {
  forgetPerformances,
  isId,
  listEvents,
  readEvent,
  readPerformance,
  type CatalogueEvent,
  type ListedEvent,
  type Performance,
} from './catalogue.ts'
import type { IsolateParts } from './env.ts'
import { logInfo } from './log.ts'
import { beginGeneration, createLookAside, type LookAsideSources } from './look-aside.ts'
import { Outage } from './outage.ts'
import { readOverview, readSection } from './seat-map.ts'

/** Small ones, and layouts: a section of 1,000 seats takes about 300 KB. */
const SMALL_KEPT = 500
const LAYOUTS_KEPT = 50

export interface Catalogue {
  /** By name, each with its rooms. */
  events(): Promise<readonly ListedEvent[]>
  event(id: string): ReturnType<typeof readEvent>
  performance(id: string): Promise<Performance | undefined>
  overview(performanceId: string): ReturnType<typeof readOverview>
  section(performanceId: string, sectionId: string): ReturnType<typeof readSection>
  /** What this isolate remembers; the others forget within ten seconds. */
  forget(): void
}

const room = z.string().transform((text, context) => {
  const id = parseRoomId(text)
  if (id !== undefined) return id
  context.addIssue({ code: 'custom', message: 'is no room' })
  return z.NEVER
})
const event: z.ZodType<CatalogueEvent> = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  venue: z.string(),
  currency: z.string(),
})
const listedEvent: z.ZodType<ListedEvent> = z.intersection(event, z.object({ rooms: z.array(room) }))
const performance: z.ZodType<Performance> = z.object({
  id: z.string(),
  eventId: z.string(),
  eventName: z.string(),
  hallId: z.string(),
  name: z.string(),
  startsAt: z.string(),
  room,
  currency: z.string(),
  seats: z.int(),
  version: z.string(),
})
const section = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(SECTION_KINDS),
  tier: z.string(),
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
  outline: z.array(z.tuple([z.number(), z.number()])),
  firstOrdinal: z.int(),
  count: z.int(),
})
const overview = z.object({
  version: z.string(),
  tiers: z.array(
    z.object({ id: z.string(), name: z.string(), price: z.int(), fee: z.int(), currency: z.string() }),
  ),
  sections: z.array(section),
})
const sectionSeats = z.object({
  version: z.string(),
  section,
  seats: z.array(
    z.object({
      ordinal: z.int(),
      id: z.string(),
      row: z.string(),
      label: z.string(),
      x: z.number(),
      y: z.number(),
      tier: z.string(),
      accessible: z.boolean(),
    }),
  ),
})

export function createCatalogue(sources: LookAsideSources): Catalogue {
  const outages = { redis: new Outage(), replica: new Outage() }
  const kinds = {
    events: createLookAside(
      sources,
      { name: 'events', shape: z.array(listedEvent), keep: 1, load: (db) => listEvents(db) },
      outages,
    ),
    event: createLookAside(
      sources,
      {
        name: 'event',
        shape: z.object({ event, performances: z.array(performance) }),
        keep: SMALL_KEPT,
        load: readEvent,
      },
      outages,
    ),
    performance: createLookAside(
      sources,
      { name: 'performance', shape: performance, keep: SMALL_KEPT, load: readPerformance },
      outages,
    ),
    overview: createLookAside(
      sources,
      { name: 'overview', shape: overview, keep: LAYOUTS_KEPT, load: readOverview },
      outages,
    ),
    section: createLookAside(
      sources,
      {
        name: 'section',
        shape: sectionSeats,
        keep: LAYOUTS_KEPT,
        load: (db, id) => {
          const [performanceId = '', sectionId = ''] = id.split(':')
          return readSection(db, { performanceId, sectionId })
        },
      },
      outages,
    ),
  }
  return {
    events: async () => (await kinds.events.read('all')) ?? [],
    // What cannot be an id is looked up nowhere.
    event: async (id) => (isId(id) ? await kinds.event.read(id) : undefined),
    performance: async (id) => (isId(id) ? await kinds.performance.read(id) : undefined),
    overview: async (id) => (isId(id) ? await kinds.overview.read(id) : undefined),
    section: async (performanceId, sectionId) =>
      isId(performanceId) && isId(sectionId)
        ? await kinds.section.read(`${performanceId}:${sectionId}`)
        : undefined,
    forget() {
      for (const kind of Object.values(kinds)) kind.clear()
    },
  }
}

/**
 * After the transaction that changed what is on sale. All of the catalogue, since events share halls: what Redis has no
 * longer counts, and other isolates follow within ten seconds. Throws `StoreUnavailable`; then Redis may tell the old until
 * it expires, so repeat it.
 */
export async function invalidateCatalogue(
  { db, redis, catalogue }: Pick<IsolateParts, 'db' | 'redis' | 'catalogue'>,
  eventId: string,
): Promise<void> {
  catalogue.forget()
  forgetPerformances(db)
  await beginGeneration(redis)
  // Once more: a request may have read what Redis had until now.
  catalogue.forget()
  logInfo('the catalogue begins anew', { event: eventId })
}
