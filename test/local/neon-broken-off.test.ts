// A database whose answer breaks off after its head: not the caller's fault and no fault of ours, but an outage.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { createDatabase, isDatabaseUnavailable } from '../../src/db/client.ts'

test.each<[string, (response: ServerResponse) => void]>([
  ['stands still', () => {}],
  ['is cut', (response) => response.destroy()],
])('an answer that %s after its first bytes is an outage', async (_, then) => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"rows":[', () => then(response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const db = createDatabase({
      url: 'postgres://user:password@db.example.com/name',
      endpoint: `http://127.0.0.1:${port}/sql`,
      timeoutMs: 300,
    })
    const failure: unknown = await db.execute(sql`select 1`).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Error)
    expect(isDatabaseUnavailable(failure)).toBe(true)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
