// Events and their performances. Admission to the room of any performance of an event opens it.

import { Hono } from 'hono'
import { requireAnyAdmission } from '../any-admission.ts'
import type { ListedEvent, Performance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { Problem } from '../../src/problem.ts'

const PRIVATE_SECONDS = 30
const headers = { 'cache-control': `private, max-age=${PRIVATE_SECONDS}` }

export const catalogueRoutes = new Hono<OriginEnv>()
  .get('/api/events', async (c) => {
    const events = await c.var.catalogue.events()
    await requireAnyAdmission(c, roomsOf(events))
    return c.json({ events: events.map(({ rooms: _internal, ...event }) => event) }, 200, headers)
  })
  .get('/api/events/:id', async (c) => {
    const { event } = await readEvent(c)
    return c.json(event, 200, headers)
  })
  .get('/api/events/:id/performances', async (c) => {
    const { performances } = await readEvent(c)
    return c.json({ performances: performances.map(showPerformance) }, 200, headers)
  })

type EventContext = Parameters<typeof requireAnyAdmission>[0]

/** The event of the path with its performances, for someone admitted to one of them. */
export async function readEvent(c: EventContext) {
  const found = await c.var.catalogue.event(c.req.param('id') ?? '')
  if (found === undefined) throw new Problem('not_found', { detail: 'There is no such event.' })
  const { event, performances } = found
  await requireAnyAdmission(
    c,
    performances.map(({ room }) => room),
  )
  return { event, performances }
}

/** Rooms of all performances: who is admitted to one of them may read the list of events. */
export const roomsOf = (events: readonly ListedEvent[]) => [...new Set(events.flatMap(({ rooms }) => rooms))]

export function showPerformance(performance: Performance) {
  const { id, eventId, eventName, name, startsAt, room, currency, seats } = performance
  return { id, eventId, eventName, name, startsAt, room, currency, seats }
}
