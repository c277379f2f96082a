// The gateway while Redis is away, dies under a command, or was never there.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startRedis } from '../../local/redis.ts'
import { startUpstashGateway } from '../../local/upstash/gateway.ts'
import { TOKEN } from './upstash-setup.ts'

async function ask({ url }: { url: string }, path: string, body: unknown) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

test('requests are answered 503 while it is away and served again when it is back', async () => {
  const redis = await startRedis()
  const gateway = await startUpstashGateway({ redisUrl: redis.url, token: TOKEN })
  closing.push(() => gateway.stop())
  await redis.stop()
  const away = { status: 503, body: { error: expect.stringMatching(/^ERR /) } }
  await expect.poll(() => ask(gateway, '/', ['PING'])).toEqual(away)
  expect(await ask(gateway, '/pipeline', [['PING'], ['PING']])).toEqual(away)
  expect(await ask(gateway, '/multi-exec', [['PING']])).toEqual(away)
  expect(await ask(gateway, '/subscribe/c', '')).toEqual(away)
  const again = await startRedis({ port: Number(new URL(redis.url).port) })
  closing.push(() => again.stop())
  await expect
    .poll(() => ask(gateway, '/', ['PING']), { timeout: 5_000 })
    .toEqual({ status: 200, body: { result: 'PONG' } })
  await expect
    .poll(() => ask(gateway, '/multi-exec', [['PING']]), { timeout: 5_000 })
    .toMatchObject({ status: 200 })
})

test('a command whose reply was lost is answered 503 and not sent a second time', async () => {
  const seen: string[] = []
  const breaking = createServer((socket) => {
    socket.on('data', (chunk) => {
      for (const [, name = ''] of String(chunk).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)/g)) {
        seen.push(name.toUpperCase())
        if (name === 'INCR') socket.destroy()
        else socket.write(name === 'info' ? '$19\r\nredis_version:7.0.0\r\n' : '+OK\r\n')
      }
    })
  }).listen(0, '127.0.0.1')
  await once(breaking, 'listening')
  const address = breaking.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const gateway = await startUpstashGateway({ redisUrl: `redis://127.0.0.1:${port}`, token: TOKEN })
  closing.push(
    async () => void breaking.close(),
    () => gateway.stop(),
  )
  seen.length = 0
  expect((await ask(gateway, '/', ['INCR', 'n'])).status).toBe(503)
  // The gateway connects anew before it serves again; by then it could have sent what was lost.
  await expect.poll(() => ask(gateway, '/', ['PING'])).toMatchObject({ status: 200 })
  expect(seen).toContain('INFO')
  expect(seen.filter((name) => name === 'INCR')).toHaveLength(1)
})

test('a gateway does not start without it', async () => {
  await expect(startUpstashGateway({ redisUrl: 'redis://127.0.0.1:1', token: TOKEN })).rejects.toThrow(
    'Redis',
  )
})
