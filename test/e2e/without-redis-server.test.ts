// A machine without Redis: the stack falls back to the JavaScript one from npm, and a purchase completes there.
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { admit, buy, request, settled } from './buyer.ts'
import { startTestStack, type TestStack } from './stack.ts'

const HIDDEN = new Set(['redis-server', 'valkey-server'])
let folder: string
let path: string | undefined
let stack: TestStack | undefined

/** A PATH that has everything of this machine's but the Redis servers. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-path-'))
  path = process.env['PATH']
  const seen = new Set(HIDDEN)
  for (const from of (path ?? '').split(delimiter)) {
    for (const name of await readdir(from).catch(() => [])) {
      if (seen.has(name)) continue
      seen.add(name)
      await symlink(join(from, name), join(folder, name))
    }
  }
  process.env['PATH'] = folder
})

afterEach(async () => {
  process.env['PATH'] = path
  await stack?.stop()
  await rm(folder, { recursive: true, force: true })
})

it('the stack starts and a purchase completes with redis-server hidden from PATH', async () => {
  const notices: string[] = []
  stack = await startTestStack({}, { onNotice: (sentence) => notices.push(sentence) })
  expect(notices.join('\n')).toContain('js-redis-server')
  const headers = await admit(stack)
  const held = await request<{ holdId: string }>(
    `${stack.url}/api/performances/winter-lights-matinee/holds`,
    { method: 'POST', headers, body: { seats: ['S5-D-6', 'S5-D-7'] } },
  )
  expect(held.status, JSON.stringify(held.body)).toBe(201)
  const orderId = await buy(stack, { holdId: held.body.holdId, headers })
  expect(await settled(stack, orderId, ['paid', 'voided', 'stuck'])).toBe('paid')
  const tickets = await request<{ tickets: { code: string; qr: string }[] }>(
    `${stack.url}/api/orders/${orderId}/tickets`,
  )
  expect(tickets.body.tickets).toHaveLength(2)
  expect(tickets.body.tickets[0]?.qr).toContain('<svg')
  expect(stack.complaints).toEqual([])
})
