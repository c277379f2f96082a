// Clients that go away in the middle of a request: an everyday thing on mobile networks, and no error of ours.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshKey, startEdge, until, type Edge } from './support.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge({ rooms: { demo: { hosts: ['demo.test'] } } })
})
afterAll(() => edge.stop())

async function breakOff(path: string, host: string): Promise<void> {
  const { hostname, port } = new URL(edge.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const head = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Idempotency-Key: ${freshKey()}`,
    'Content-Type: application/json',
    'Content-Length: 500',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n{"a":`)
  await new Promise((resolve) => setTimeout(resolve, 300))
  socket.destroy()
}

test('a body that breaks off is a refusal in the log, without a stack', async () => {
  await breakOff('/.waiting-room/demo/join', 'demo.test')
  const line = await until('the refusal is logged', async () =>
    edge.logs.find((entry) => entry.includes('/.waiting-room/:room/join')),
  )
  expect(JSON.parse(line)).toMatchObject({
    level: 'info',
    event: 'refused',
    code: 'bad_request',
    room: 'demo',
  })
  expect(edge.logs.join('\n')).not.toContain('"level":"error"')
})

test('also where the body was on its way to the origin', async () => {
  await breakOff('/orders/secret-of-an-order', 'other.test')
  const line = await until('the loss is logged', async () =>
    edge.logs.find((entry) => entry.includes('connection_lost')),
  )
  expect(JSON.parse(line)).toMatchObject({ level: 'info', event: 'refused' })
  expect(edge.logs.join('\n')).not.toContain('"level":"error"')
  expect(edge.logs.join('\n')).not.toContain('secret-of-an-order')
})
