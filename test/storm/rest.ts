// After the storm: cron runs until everything rests. Time is let pass by moving the clocks that the stores keep, five minutes a
// round, instead of waiting for it.
import { OUTBOX_STREAM } from '../../src/redis/keys.ts'
import { PERFORMANCE } from './hall.ts'
import type { Shop } from './shop.ts'
import { untruths, type Untruth } from './truths.ts'

/** An abandoned payment needs four of them, what Redis forgot one, a message whose reader died one. */
const ROUNDS_MOST = 8

/** What is still not as it must be when nothing moves any more: nothing, where every protection is in. */
export async function rest(shop: Shop): Promise<readonly Untruth[]> {
  await shop.payments.events.idle()
  let found: readonly Untruth[] = []
  for (let round = 0; round < ROUNDS_MOST; round += 1) {
    await letTimePass(shop)
    // A part of cron that fails is tried again by the next run; what it leaves undone is seen below.
    await shop.cron().catch(() => undefined)
    await shop.payments.events.idle()
    await loadMap(shop)
    found = await untruths(shop)
    if (!found.some(({ kind }) => kind === 'open')) break
  }
  return found
}

async function letTimePass({ query, redis }: Shop): Promise<void> {
  await query(`update orders set retry_at = retry_at - interval '5 minutes', pay_by = pay_by - interval '5 minutes',
    authorised_at = authorised_at - interval '5 minutes', updated_at = updated_at - interval '5 minutes'
    where status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'voiding')`)
  await query(`update refunds set retry_at = retry_at - interval '5 minutes' where status = 'requested'`)
  await query(`update outbox set published_at = published_at - interval '5 minutes', taken_at = taken_at - interval '5 minutes'
    where handled_at is null`)
  const groups = (await redis.xinfo('GROUPS', OUTBOX_STREAM).catch(() => [])) as unknown[][]
  for (const group of groups) {
    const name = String(group[1])
    const pending = (await redis.xpending(OUTBOX_STREAM, name, '-', '+', 1_000)) as [string, string][]
    for (const [id, reader] of pending) {
      await redis.call('XCLAIM', OUTBOX_STREAM, name, reader, 0, id, 'IDLE', 300_000, 'JUSTID')
    }
  }
}

/** Where Redis lost the map, the next who looks has it loaded. */
async function loadMap(shop: Shop): Promise<void> {
  const url = `${shop.url}/api/performances/${PERFORMANCE}/availability`
  const response = await fetch(url, { headers: await shop.admit() })
  await response.text()
}
