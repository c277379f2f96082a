// What an operator can read of a room: the log of its settings, the slots that a loss keeps taken, and that a deployment
// names a sale which the room has left behind.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SaleReplaced, StoreUnavailable } from '../../../src/redis/client.ts'
import { RECOVERY_MS } from '../../../src/redis/queue-arguments.ts'
import { QueueUnderTest, range, startServers, type Servers } from './support.ts'

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
})
afterAll(() => servers.stop())

const SETTINGS = { burst: 100, new_users_per_minute: 600, total_active_users: 10, session_duration: 5 }
const STARTS = '2020-02-01T09:00:00.000Z'
const ENDS = '2090-02-01T09:00:00.000Z'

async function empty(queue: QueueUnderTest): Promise<void> {
  await servers.connection.del(...Object.values(queue.keys))
}

describe('the log', () => {
  it('shows times as they were set, changed one by one or restored together', async () => {
    const queue = new QueueUnderTest(servers, { ...SETTINGS, event_start_time: STARTS })
    await queue.advance()
    await servers.store.override(queue.room, { event_end_time: ENDS, burst: 7 })
    await servers.store.override(queue.room, { event_start_time: null })
    await queue.advance()
    expect((await servers.store.readLog(queue.room)).map(({ setting, value }) => [setting, value])).toEqual([
      ['deployed', expect.objectContaining({ event_start_time: STARTS })],
      ['event_end_time', ENDS],
      ['burst', 7],
    ])
    await empty(queue)
    await queue.advance()
    expect((await servers.store.readLog(queue.room)).map(({ setting, value }) => [setting, value])).toEqual([
      ['deployed', expect.objectContaining({ event_start_time: STARTS })],
      ['restored', { event_end_time: ENDS, burst: 7 }],
    ])
  })

  it('does not repeat what was deployed where an older save still knows it', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.advance()
    const saved = await servers.connection.hgetall(queue.keys.state)
    await servers.store.override(queue.room, { message: 'Go' })
    await queue.advance()
    await servers.connection.del(queue.keys.state)
    await servers.connection.hset(queue.keys.state, saved)
    await queue.advance()
    const settings = (await servers.store.readLog(queue.room)).map(({ setting }) => setting)
    expect(settings).toEqual(['deployed', 'message', 'restored'])
  })
})

describe('slots in which nobody is to be seen', () => {
  it('are counted after a loss, until their sessions are heard of or can no longer be alive', async () => {
    const queue = new QueueUnderTest(servers, SETTINGS)
    await queue.join(...range(0, 8))
    await queue.advance()
    await queue.claim(...range(0, 8))
    expect((await queue.advance()).absent).toBe(0)
    await empty(queue)
    await queue.advance()
    await queue.elapse(RECOVERY_MS)
    expect(await queue.advance()).toMatchObject({ absent: 8, snapshot: { sessions: 0, free: 2 } })
    await queue.renew(0)
    await queue.renew(1)
    expect(await queue.advance()).toMatchObject({ absent: 6, snapshot: { sessions: 2, free: 2 } })
    await queue.elapse(5 * 60_000)
    expect((await queue.advance()).absent).toBe(0)
  })
})

describe('a sale that was replaced', () => {
  it('is told as such, by its name and that of the sale which goes on, and not as an outage', async () => {
    const queue = new QueueUnderTest(servers, { ...SETTINGS, sale: { name: 'spring' } })
    await queue.join(1)
    const before = queue.room
    queue.room = { ...before, sale: { ...before.sale, name: 'summer' } }
    await queue.advance()
    queue.room = before
    const failure: unknown = await queue.join(2).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(SaleReplaced)
    expect(failure).toBeInstanceOf(StoreUnavailable)
    expect(failure).toMatchObject({ message: 'SALE "spring" of this room was replaced by "summer"' })
  })
})
