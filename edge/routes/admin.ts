// The operator's routes: live settings of a room over the baseline that was deployed. Bearer ADMIN_TOKEN, no cookies.
// A change acts with the next snapshot; clearing returns to the baseline.

import { Hono, type Context } from 'hono'
import type { z } from 'zod'
import { baselineOf, liveSettings } from '../../src/config/room.ts'
import { notAcceptable, readJson } from '../../src/http/read-json.ts'
import { parseVisitorId } from '../../src/ids.ts'
import { Problem } from '../../src/problem.ts'
import { msToRfc3339 } from '../../src/time.ts'
import { addressOf } from '../../src/http/address.ts'
import type { EdgeEnv } from '../env.ts'
import { bearerToken } from '../presented.ts'
import { Refusal } from '../refusal.ts'
import type { RoomQueue } from '../room-queue.ts'
import { changesTimes, findUnfitTimes, settingsChange } from '../settings-change.ts'
import { BODY_LIMIT_BYTES, queueOf } from './room.ts'

/** Every live setting cleared. */
const BASELINE: Changes = Object.fromEntries(Object.keys(liveSettings.shape).map((name) => [name, null]))

export const adminRoutes = new Hono<EdgeEnv>()
  .get('/.waiting-room/admin/rooms/:room', async (c) => {
    await requireAdmin(c)
    return describe(c, queueOf(c))
  })
  .patch('/.waiting-room/admin/rooms/:room', async (c) => {
    await requireAdmin(c)
    const queue = queueOf(c)
    const changes = await readJson(c.req.raw, settingsChange, { limitBytes: BODY_LIMIT_BYTES })
    if (changesTimes(changes)) {
      const { live } = await queue.snapshot.advance()
      const errors = findUnfitTimes(changes, { room: queue.room, live, nowMs: Date.now() })
      if (errors.length > 0) throw notAcceptable(errors)
    }
    await queue.store.override(queue.room, withoutUndefined(changes))
    return describe(c, queue)
  })
  .post('/.waiting-room/admin/arm', async (c) => {
    await requireAdmin(c)
    const armed = []
    for (const { room, store } of c.var.isolate.queues.values()) {
      armed.push({ room: room.id, sale: room.sale.name, outcome: await store.arm(room) })
    }
    c.header('cache-control', 'no-store')
    return c.json({ rooms: armed }, 200)
  })
  .delete('/.waiting-room/admin/rooms/:room', async (c) => {
    await requireAdmin(c)
    const queue = queueOf(c)
    await queue.store.override(queue.room, BASELINE)
    return describe(c, queue)
  })
  .delete('/.waiting-room/admin/rooms/:room/visitors/:visitor', async (c) => {
    await requireAdmin(c)
    const { room, store, seen } = queueOf(c)
    const visitor = parseVisitorId(c.req.param('visitor'))
    if (visitor === undefined) {
      throw new Problem('bad_request', {
        detail:
          'The last part of the path is no visitor id: those have 16 to 64 of A-Z, a-z, 0-9, "_" and "-".',
      })
    }
    await store.leave(room, [{ visitor }], seen.value)
    return c.body(null, 204)
  })

async function requireAdmin(c: Context<EdgeEnv>): Promise<void> {
  const address = addressOf(c.req.raw) ?? 'unknown'
  const verdict = await c.var.isolate.adminGuard.check(bearerToken(c.req.raw), address, Date.now())
  switch (verdict.status) {
    case 'admitted':
      return
    case 'refused':
      throw new Refusal('admin_required', {
        detail: 'Send Authorization: Bearer with the ADMIN_TOKEN of this deployment.',
        reason: verdict.reason,
      })
    case 'blocked':
      throw new Problem('rate_limited', {
        detail: 'Too many wrong tokens came from this network.',
        retryAfterSeconds: verdict.retryAfterSeconds,
      })
  }
}

/** Computed now rather than read from the copy: the operator sees what the change did. */
async function describe(c: Context<EdgeEnv>, queue: RoomQueue) {
  const { snapshot, live, absent, ended } = await queue.snapshot.advance()
  const baseline = baselineOf(queue.room)
  const log = await queue.store.readLog(queue.room)
  c.header('cache-control', 'no-store')
  return c.json(
    {
      room: queue.room.id,
      baseline,
      live,
      effective: { ...baseline, ...live },
      log: log.map(({ at, ...change }) => ({ at: msToRfc3339(at), ...change })),
      // Slots that nobody can be called into, though nobody is to be seen in them.
      reserved: absent,
      ending: ended,
      snapshot,
    },
    200,
  )
}

type Changes = Parameters<RoomQueue['store']['override']>[1]
const withoutUndefined = (changes: z.infer<typeof settingsChange>): Changes =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
