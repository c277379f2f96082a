// `renew` for clients that keep their own admission token, and the public keys by which any origin verifies one.

import { Hono } from 'hono'
import type { EdgeEnv } from '../env.ts'
import { admissionCookies, clearedCookies } from '../passes.ts'
import { presentedPass } from '../presented.ts'
import { renewPass } from '../renewal.ts'
import { admitted, sessionEnded } from './queue.ts'
import { queueOf, readBareCall, requireToken, workOf } from './room.ts'

export const passRoutes = new Hono<EdgeEnv>()
  .post('/.waiting-room/:room/renew', async (c) => {
    const queue = queueOf(c)
    await readBareCall(c.req.raw)
    const work = workOf(c)
    const presented = requireToken(
      await presentedPass(c.req.raw, { ...work, room: queue.room }, { allowExpired: true }),
    )
    const renewed = await renewPass(queue, presented.claims, work)
    if (renewed === undefined) throw sessionEnded(clearedCookies(queue.room, work.isolate.config.cookies))
    return admitted(renewed, presented.by === 'cookie' ? admissionCookies(renewed, work) : [])
  })
  .get('/.waiting-room/jwks.json', (c) => {
    c.header('cache-control', 'public, max-age=300')
    return c.json(c.var.isolate.config.admissionKeys.publicSet, 200)
  })
