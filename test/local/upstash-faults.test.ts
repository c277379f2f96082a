// The faults that tests of other parts rely on: each does what it says, to the requests it is for and to no other.

import { describe, expect, test } from 'vitest'
import { setUpGateway } from './upstash-setup.ts'

const setup = setUpGateway('auto')
const { key, post } = setup
const once = { retry: { retries: 0 } }
const status = async (...command: string[]) => (await post('/', command)).status

describe('drop-reply', () => {
  test('the command was executed and the caller cannot know', async () => {
    const client = setup.client(once)
    setup.gateway.faults.next({ kind: 'drop-reply' })
    await expect(client.incr(key('n'))).rejects.toThrow('fetch failed')
    expect(await client.get(key('n'))).toBe(1)
  })

  test('the retry of the client executes it a second time', async () => {
    const client = setup.client({ retry: { retries: 1, backoff: () => 1 } })
    setup.gateway.faults.next({ kind: 'drop-reply' })
    expect(await client.incr(key('n'))).toBe(2)
  })
})

describe('duplicate', () => {
  test('the command runs twice and the first answer is given', async () => {
    const client = setup.client(once)
    setup.gateway.faults.next({ kind: 'duplicate' })
    expect(await client.incr(key('n'))).toBe(1)
    expect(await client.get(key('n'))).toBe(2)
  })
})

describe('delay', () => {
  test('before: the command has not run while the caller waits', async () => {
    const client = setup.client(once)
    const { fired } = setup.gateway.faults.next('DELAYED', { kind: 'delay', ms: 500 })
    const pending = client.set(key('k'), 'DELAYED')
    await fired
    expect(await client.get(key('k'))).toBeNull()
    expect(await pending).toBe('OK')
    expect(await client.get(key('k'))).toBe('DELAYED')
  })

  test('after: the command has run while the caller waits', async () => {
    const client = setup.client(once)
    setup.gateway.faults.next('DELAYED', { kind: 'delay', ms: 500, when: 'after' })
    let answered = false
    const pending = client.set(key('k'), 'DELAYED').finally(() => (answered = true))
    await expect.poll(() => client.get(key('k')), { interval: 5 }).toBe('DELAYED')
    expect(answered).toBe(false)
    expect(await pending).toBe('OK')
  })
})

describe('status', () => {
  test.each([429, 503])('%i is answered and nothing is executed', async (status) => {
    const body = JSON.stringify({ error: 'ERR max requests limit exceeded' })
    setup.gateway.faults.next({ kind: 'status', status, body })
    const answer = await post('/', ['SET', key('k'), 'v'])
    expect([answer.status, await answer.text()]).toEqual([status, body])
    expect(await setup.client().get(key('k'))).toBeNull()
  })

  test('the client reports it and does not retry', async () => {
    setup.gateway.faults.next({ kind: 'status', status: 503 })
    await expect(setup.client().get(key('k'))).rejects.toThrow('503')
  })
})

describe('error-body', () => {
  const QUOTA = { kind: 'error-body', body: { error: 'ERR max requests limit exceeded' } } as const

  test('a single command fails with it, unexecuted', async () => {
    setup.gateway.faults.next(QUOTA)
    const answer = await post('/', ['SET', key('k'), 'v'])
    expect([answer.status, await answer.json()]).toEqual([400, QUOTA.body])
    expect(await setup.client().get(key('k'))).toBeNull()
  })

  test('each command of a pipeline fails with it', async () => {
    setup.gateway.faults.next(QUOTA)
    const client = setup.client(once)
    const results = await Promise.allSettled([client.get(key('a')), client.get(key('b'))])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  test('a pipeline can be refused as a whole', async () => {
    setup.gateway.faults.next({ ...QUOTA, status: 429 })
    const answer = await post('/pipeline', [['PING'], ['PING']])
    expect([answer.status, await answer.json()]).toEqual([429, QUOTA.body])
  })
})

describe('choosing requests', () => {
  const FAIL = { kind: 'status', status: 503 } as const

  test('next hits one request, set hits all until clear', async () => {
    setup.gateway.faults.next(FAIL)
    expect([await status('PING'), await status('PING')]).toEqual([503, 200])
    setup.gateway.faults.set(FAIL)
    expect([await status('PING'), await status('PING')]).toEqual([503, 503])
    setup.gateway.faults.clear()
    expect(await status('PING')).toBe(200)
  })

  test('a text, a pattern or a decision on the request chooses', async () => {
    for (const match of [
      'GET hot',
      /^GET ho/,
      ({ commands }: { commands: readonly (readonly unknown[])[] }) => commands[0]?.[1] === 'hot',
    ]) {
      setup.gateway.faults.next(match, FAIL)
      expect([await status('GET', 'cold'), await status('GET', 'hot'), await status('GET', 'hot')]).toEqual([
        200, 503, 200,
      ])
    }
  })

  test('the route can choose', async () => {
    setup.gateway.faults.set(FAIL, ({ route }) => route === 'multi-exec')
    expect((await post('/multi-exec', [['PING']])).status).toBe(503)
    expect((await post('/pipeline', [['PING']])).status).toBe(200)
  })
})
