// The operator's routes: live settings of a room over the baseline that was deployed. Bearer ADMIN_TOKEN, no cookies.
// A change acts with the next snapshot; clearing returns to the baseline.

import { Hono, type Context } from 'hono'
import type { z } from 'zod'
import type { LiveSettings, Room } from '../../src/config/room.ts'
import { readJson } from '../../src/http/read-json.ts'
import { Problem } from '../../src/problem.ts'
import { addressOf } from '../../src/http/address.ts'
import type { EdgeEnv } from '../env.ts'
import { bearerToken } from '../presented.ts'
import { Refusal } from '../refusal.ts'
import type { RoomQueue } from '../room-queue.ts'
import { settingsChange } from '../settings-change.ts'
import { BODY_LIMIT_BYTES, queueOf } from './room.ts'

/** Every live setting cleared. */
const BASELINE: Readonly<Record<keyof LiveSettings, null>> = {
  total_active_users: null,
  new_users_per_minute: null,
  burst: null,
  paused: null,
  suspended: null,
  queue_all: null,
  message: null,
}

export const adminRoutes = new Hono<EdgeEnv>()
  .get('/.waiting-room/admin/rooms/:room', async (c) => {
    await requireAdmin(c)
    return describe(c, queueOf(c))
  })
  .patch('/.waiting-room/admin/rooms/:room', async (c) => {
    await requireAdmin(c)
    const queue = queueOf(c)
    const changes = await readJson(c.req.raw, settingsChange, { limitBytes: BODY_LIMIT_BYTES })
    await queue.store.override(queue.room, withoutUndefined(changes))
    return describe(c, queue)
  })
  .delete('/.waiting-room/admin/rooms/:room', async (c) => {
    await requireAdmin(c)
    const queue = queueOf(c)
    await queue.store.override(queue.room, BASELINE)
    return describe(c, queue)
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
  const { snapshot, live } = await queue.snapshot.advance()
  const baseline = baselineOf(queue.room)
  c.header('cache-control', 'no-store')
  return c.json({ room: queue.room.id, baseline, live, effective: { ...baseline, ...live }, snapshot }, 200)
}

const baselineOf = (room: Room): Required<LiveSettings> => ({
  total_active_users: room.total_active_users,
  new_users_per_minute: room.new_users_per_minute,
  burst: room.burst,
  paused: room.paused,
  suspended: room.suspended,
  queue_all: room.queue_all,
  message: room.message,
})

type Changes = Parameters<RoomQueue['store']['override']>[1]
const withoutUndefined = (changes: z.infer<typeof settingsChange>): Changes =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
