import { Hono } from 'hono'
import { afterEach, expect, test, vi } from 'vitest'
import { readText } from '../../src/http/read-json.ts'
import { onError, problemResponse } from '../../src/problem.ts'

afterEach(() => vi.restoreAllMocks())

test('an unexpected error is logged with the pattern of its route: an address can be the key to an order', async () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  const app = new Hono().onError(onError).get('/orders/:id', () => {
    throw new Error('a bug')
  })
  expect((await app.request('/orders/secret-of-an-order')).status).toBe(500)
  const line = String(logged.mock.calls[0]?.[0])
  expect(JSON.parse(line)).toMatchObject({ level: 'error', message: 'a bug', route: '/orders/:id' })
  expect(line).not.toContain('secret-of-an-order')
})

test('a body that breaks off is the sender’s doing, not an unexpected error', async () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  const app = new Hono().onError(onError).post('/', async (c) => {
    await readText(c.req.raw, { limitBytes: 100 })
    return problemResponse('not_found', { detail: 'never reached' })
  })
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"a":'))
      controller.error(new Error('Network connection lost.'))
    },
  })
  const answer = await app.request(
    new Request('https://x.example/', { method: 'POST', body, duplex: 'half' } as RequestInit),
  )
  expect([answer.status, logged.mock.calls]).toEqual([400, []])
})
