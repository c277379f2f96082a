// What operators do at the origin: bring in an event. Every route asks for the admin token before it reads a body.

import { Hono } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { requireAdmin } from '../admin-token.ts'
import type { OriginEnv } from '../env.ts'
import { eventFile } from '../import/event-file.ts'
import { importEvent } from '../import/import-event.ts'
import { reloadSeats } from '../load-seats.ts'
import { seatsChanged } from '../stock.ts'

/** A hall of 100,000 seats in rows is far below this. */
const LIMIT_BYTES = 4 * 1_024 * 1_024

export const adminRoutes = new Hono<OriginEnv>().post('/api/admin/events/import', async (c) => {
  await requireAdmin(c)
  const file = await readJson(c.req.raw, eventFile, { limitBytes: LIMIT_BYTES })
  const imported = await importEvent(c.var.db, file)
  // What is blocked may have changed. Should Redis fail here, repeating the import repairs it.
  for (const { id, seats } of imported.performances) {
    await reloadSeats(c.var, { id, seats })
    seatsChanged(c.var, id)
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
