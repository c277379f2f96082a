// The static layout of a performance: an overview of sections and prices, and the seats of one section at a time.
// Which seats are free is availability's answer. It changes only by an import, of this event or of another in its hall; the
// ETag is a digest of the answer, so that it changes with whatever does.

import { Hono, type Context } from 'hono'
import { base64url } from 'jose'
import { requireAdmission } from '../admission.ts'
import type { OriginEnv } from '../env.ts'
import { hasEtag } from '../../src/http/etag.ts'
import { Problem } from '../../src/problem.ts'
import { showPerformance } from './catalogue.ts'

// Private: the answer was given to an admitted visitor, and shared caches must not stand before the gate.
const CACHE_CONTROL = 'private, max-age=60'
const DIGEST_CHARACTERS = 22

export const seatRoutes = new Hono<OriginEnv>().get('/api/performances/:id/seats', async (c) => {
  const performance = await c.var.catalogue.performance(c.req.param('id'))
  if (performance === undefined) throw noSuchPerformance()
  await requireAdmission(c, performance.room)
  const sectionId = c.req.query('section')
  if (sectionId === undefined) {
    const overview = await c.var.catalogue.overview(performance.id)
    if (overview === undefined) throw noSuchPerformance()
    return await answer(c, { performance: showPerformance(performance), ...overview })
  }
  const section = await c.var.catalogue.section(performance.id, sectionId)
  if (section === undefined) throw new Problem('not_found', { detail: 'This hall has no such section.' })
  return await answer(c, section)
})

async function answer(c: Context<OriginEnv>, body: object): Promise<Response> {
  const text = JSON.stringify(body)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  const etag = `"${base64url.encode(digest).slice(0, DIGEST_CHARACTERS)}"`
  const headers = { etag, 'cache-control': CACHE_CONTROL }
  if (hasEtag(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
  return c.body(text, 200, { ...headers, 'content-type': 'application/json' })
}

const noSuchPerformance = () => new Problem('not_found', { detail: 'There is no such performance.' })
