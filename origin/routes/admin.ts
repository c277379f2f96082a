// What operators do at the origin: bring in an event. Every route asks for the admin token before it reads a body.

import { Hono } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { requireAdmin } from '../admin-token.ts'
import { soldOrdinals } from '../catalogue.ts'
import type { OriginEnv } from '../env.ts'
import { eventFile } from '../import/event-file.ts'
import { importEvent } from '../import/import-event.ts'

/** A hall of 100,000 seats in rows is far below this. */
const LIMIT_BYTES = 4 * 1_024 * 1_024

export const adminRoutes = new Hono<OriginEnv>().post('/api/admin/events/import', async (c) => {
  await requireAdmin(c)
  const file = await readJson(c.req.raw, eventFile, { limitBytes: LIMIT_BYTES })
  const { db, seats } = c.var
  const imported = await importEvent(db, file)
  // What is blocked may have changed. Should Redis fail here, repeating the import repairs it.
  for (const performance of imported.performances) {
    await seats.rebuild(performance.id, {
      seats: performance.seats,
      blocked: performance.blocked,
      sold: await soldOrdinals(db, performance.id),
    })
  }
  return c.json(
    {
      event: imported.event,
      performances: imported.performances.map(({ id }) => id),
      seats: imported.seats,
      sections: imported.sections,
    },
    200,
  )
})
