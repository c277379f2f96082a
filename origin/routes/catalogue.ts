// Events and their performances. Admission to the room of any performance of an event opens it.

import { Hono } from 'hono'
import { requireAnyAdmission } from '../any-admission.ts'
import { allRooms, findEvent, listEvents, listPerformances, type Performance } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { Problem } from '../../src/problem.ts'

const PRIVATE_SECONDS = 30
const headers = { 'cache-control': `private, max-age=${PRIVATE_SECONDS}` }

export const catalogueRoutes = new Hono<OriginEnv>()
  .get('/api/events', async (c) => {
    await requireAnyAdmission(c, await allRooms(c.var.db))
    return c.json({ events: await listEvents(c.var.db) }, 200, headers)
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
  const id = c.req.param('id') ?? ''
  const [event, performances] = await Promise.all([findEvent(c.var.db, id), listPerformances(c.var.db, id)])
  if (event === undefined) throw new Problem('not_found', { detail: 'There is no such event.' })
  await requireAnyAdmission(
    c,
    performances.map(({ room }) => room),
  )
  return { event, performances }
}

export function showPerformance(performance: Performance) {
  const { id, eventId, eventName, name, startsAt, room, currency, seats } = performance
  return { id, eventId, eventName, name, startsAt, room, currency, seats }
}
