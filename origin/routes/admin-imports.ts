// What operators do about events: bring one in, see how far it is, and drive it again where it failed. Every route asks for
// the admin token before it reads a body.

import { Hono, type Context } from 'hono'
import { readJson } from '../../src/http/read-json.ts'
import { Problem } from '../../src/problem.ts'
import { requireAdmin } from '../admin-token.ts'
import type { OriginEnv } from '../env.ts'
import { acceptImport } from '../import/accept.ts'
import { eventFile } from '../import/event-file.ts'
import { findImport, listImports, redriveImport } from '../import/read-imports.ts'
import { driveImports } from '../import/run-imports.ts'

/** A hall of 100,000 seats in rows is far below this. */
const LIMIT_BYTES = 4 * 1_024 * 1_024

const statusUrl = (importId: string) => `/api/admin/imports/${importId}`

export const adminImportRoutes = new Hono<OriginEnv>()
  .post('/api/admin/events/import', async (c) => {
    await requireAdmin(c)
    const file = await readJson(c.req.raw, eventFile, { limitBytes: LIMIT_BYTES })
    const { id, event, status, seatsTotal } = await acceptImport(c.var.db, file)
    c.var.waitUntil(driveImports(c.var))
    return c.json({ importId: id, event, status, seatsTotal, statusUrl: statusUrl(id) }, 202, {
      location: statusUrl(id),
    })
  })

  .get('/api/admin/imports', async (c) => {
    await requireAdmin(c)
    return c.json({ imports: await listImports(c.var.db) }, 200)
  })

  .get('/api/admin/imports/:id', async (c) => {
    await requireAdmin(c)
    const { idle, progress } = await findOrRefuse(c)
    if (idle) c.var.waitUntil(driveImports(c.var))
    return c.json(progress, 200)
  })

  .post('/api/admin/imports/:id/redrive', async (c) => {
    await requireAdmin(c)
    const { importId, status } = (await findOrRefuse(c)).progress
    if (!(await redriveImport(c.var.db, importId))) {
      throw new Problem('import_conflict', {
        detail:
          status === 'failed'
            ? 'The file of this import is not kept any more, or is under way: send it again where it is needed.'
            : `The import is ${status}: only one that has failed can be driven again.`,
        extensions: { importStatus: status },
      })
    }
    c.var.waitUntil(driveImports(c.var))
    return c.json((await findOrRefuse(c)).progress, 202, { location: statusUrl(importId) })
  })

async function findOrRefuse(c: Context<OriginEnv, '/api/admin/imports/:id'>) {
  const found = await findImport(c.var.db, c.req.param('id'))
  if (found === undefined) throw new Problem('not_found', { detail: 'There is no such import.' })
  return found
}
