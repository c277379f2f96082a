// The gateway against the client that the Workers use, on both servers: what goes in comes out as from Upstash.

import { createHash } from 'node:crypto'
import { Redis as IoRedis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { startUpstashGateway } from '../../local/upstash/gateway.ts'
import { KINDS, setUpGateway, TOKEN, type Setup } from './upstash-setup.ts'

const UNICODE = 'Plätze für 你好 🎟️ \u0000 "quoted" \\ end\n'

/** Whether a rival on a connection of its own got a turn among the commands of one request. */
async function rivalGotIn({ redis, key, post }: Setup, path: string, effort: number): Promise<boolean> {
  const rival = new IoRedis(redis.url)
  await rival.ping()
  const asking = new AbortController()
  const rivalry = (async () => {
    while (!asking.signal.aborted) await rival.incr(key('x'))
    rival.disconnect()
  })()
  // Redis reads 16 KB of a connection at a time: work and padding make room for a rival between two reads.
  const pause = ['EVAL', `for i = 1, ${effort} * 100000 do end return 0`, 0, 'x'.repeat(20_000)]
  const body = Array.from({ length: 50 }, () => [['INCR', key('x')], pause]).flat()
  const answer: { result: number }[] = JSON.parse(await (await post(path, body)).text())
  asking.abort()
  await rivalry
  const counts = answer.map(({ result }) => result).filter((result) => result > 0)
  expect(counts).toHaveLength(50)
  return counts.some((count, at) => count !== (counts[0] ?? 0) + at)
}

describe.each(KINDS)('%s', (kind) => {
  const setup = setUpGateway(kind)
  const { key } = setup

  describe('values', () => {
    test.each(['base64', false] as const)(
      'text survives with responseEncoding %s',
      async (responseEncoding) => {
        const client = setup.client({ responseEncoding, automaticDeserialization: false })
        expect(await client.set(key('t'), UNICODE)).toBe('OK')
        expect(await client.get(key('t'))).toBe(UNICODE)
        expect(await client.mget(key('t'), key('missing'))).toEqual([UNICODE, null])
      },
    )

    test('a stored "OK" comes back as "OK", alone and in arrays of any depth', async () => {
      const client = setup.client({ automaticDeserialization: false })
      await client.set(key('ok'), 'OK')
      expect(await client.get(key('ok'))).toBe('OK')
      expect(await client.mget(key('ok'), key('ok'))).toEqual(['OK', 'OK'])
      expect(await client.eval('return {{"OK"}}', [], [])).toEqual([['OK']])
    })

    test('objects, numbers and booleans are stored as the client expects', async () => {
      const client = setup.client()
      await client.set(key('o'), { seats: [1, 2], open: true })
      expect(await client.get(key('o'))).toEqual({ seats: [1, 2], open: true })
      await client.set(key('n'), 42)
      expect(await client.get(key('n'))).toBe(42)
      await client.set(key('b'), true)
      expect(await client.get(key('b'))).toBe(true)
    })

    test('integers, nulls and empty results', async () => {
      const client = setup.client()
      expect(await client.incrby(key('i'), 5)).toBe(5)
      expect(await client.get(key('none'))).toBeNull()
      expect(await client.hgetall(key('none'))).toBeNull()
      expect(await client.zrange(key('none'), 0, -1)).toEqual([])
      expect(await client.exists(key('i'), key('none'))).toBe(1)
    })

    test('an integer above 2^53 keeps every digit on the wire', async () => {
      const response = await setup.post('/', ['INCRBY', key('big'), '9007199254740993'])
      expect(await response.text()).toBe('{"result":9007199254740993}')
    })

    test('hashes, sorted sets, sets and scans have the shapes of Upstash', async () => {
      const client = setup.client()
      await client.hset(key('h'), { a: 1, b: 'zwei' })
      expect(await client.hgetall(key('h'))).toEqual({ a: 1, b: 'zwei' })
      await client.zadd(key('z'), { score: 1_700_000_000_000_001, member: 'm1' }, { score: 2, member: 'm2' })
      expect(await client.zrange(key('z'), 0, -1, { withScores: true })).toEqual([
        'm2',
        2,
        'm1',
        1_700_000_000_000_001,
      ])
      expect(await client.zmscore(key('z'), ['m2', 'nobody'])).toEqual([2, null])
      await client.sadd(key('s'), 'x')
      expect(await client.sscan(key('s'), 0)).toEqual(['0', ['x']])
      expect(await client.time()).toHaveLength(2)
    })
  })

  describe('errors', () => {
    test('an error of Redis reaches the caller with its text', async () => {
      const client = setup.client()
      await client.set(key('s'), 'text')
      await expect(client.lpush(key('s'), 1)).rejects.toThrow('WRONGTYPE')
    })

    test('in a pipeline only the failing command fails', async () => {
      const client = setup.client()
      const pipeline = client.pipeline().set(key('s'), 'text').lpush(key('s'), 1).get(key('s'))
      const [set, push, get] = await pipeline.exec({ keepErrors: true })
      expect(set).toEqual({ result: 'OK', error: undefined })
      expect(push.error).toContain('WRONGTYPE')
      expect(get.result).toBe('text')
    })

    test('a wrong token is refused', async () => {
      await expect(setup.client({ token: 'wrong' }).get('k')).rejects.toThrow('WRONGPASS')
    })
  })

  describe('batches', () => {
    test('calls of one tick travel as one pipeline and each gets its own answer', async () => {
      const client = setup.client()
      const { fired } = setup.gateway.faults.next({ kind: 'delay', ms: 0 })
      const answers = await Promise.all([client.incr(key('a')), client.incr(key('a')), client.incr(key('b'))])
      expect(answers).toEqual([1, 2, 1])
      expect(await fired).toEqual({
        route: 'pipeline',
        commands: [
          ['INCR', key('a')],
          ['INCR', key('a')],
          ['INCR', key('b')],
        ],
      })
    })

    test('multi answers each command', async () => {
      const client = setup.client()
      const multi = client
        .multi()
        .set(key('m'), 'v')
        .incr(key('c'))
        .hset(key('h'), { f: 1 })
        .hgetall(key('h'))
      expect(await multi.exec()).toEqual(['OK', 1, 1, { f: 1 }])
    })

    // js-redis-server runs all that it has read in one turn, so that a rival seldom gets in even without MULTI.
    const raceable = kind === 'js-redis-server' ? undefined : test
    raceable?.('no other command gets into a multi; control: into a pipeline it does', async () => {
      // A busy machine may not give the rival its turn at first: the control works longer until it does.
      let effort = 1
      while (!(await rivalGotIn(setup, '/pipeline', effort))) {
        if (effort === 32) throw new Error('the rival never got into a pipeline: this test proves nothing')
        effort *= 2
      }
      for (let multis = 0; multis < 3; multis += 1) {
        expect(await rivalGotIn(setup, '/multi-exec', effort)).toBe(false)
      }
    })

    test('a multi with an unknown command changes nothing', async () => {
      const answer = await setup.post('/multi-exec', [['SET', key('m'), 'v'], ['NOSUCH']])
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({ error: expect.stringMatching(/^EXECABORT/) })
      expect(await setup.client().get(key('m'))).toBeNull()
    })

    test('a command with 20,000 arguments passes, alone and in a pipeline', async () => {
      const client = setup.client({ enableAutoPipelining: false })
      const members = Array.from({ length: 20_000 }, (_, at) => `member-${at}`)
      expect(await client.sadd(key('big'), 'first', ...members)).toBe(20_001)
      expect(
        await client
          .pipeline()
          .sadd(key('big2'), 'first', ...members)
          .ping()
          .exec(),
      ).toEqual([20_001, 'PONG'])
    })
  })

  describe('scripts', () => {
    const FLAGGED = `#!lua flags=allow-key-locking\nreturn {KEYS[1], ARGV[1], 7}`

    test.each([
      ['plain', 'return {KEYS[1], ARGV[1], 7}'],
      ['flagged', FLAGGED],
    ])('a %s script: EVALSHA misses, EVAL runs, the next EVALSHA hits', async (name, text) => {
      const client = setup.client()
      const script = client.createScript<unknown[]>(`${text} -- ${key('unique')}`)
      await expect(script.evalsha(['k'], [name])).rejects.toThrow(
        'NOSCRIPT No matching script. Please use EVAL.',
      )
      expect(await script.exec(['k'], [name])).toEqual(['k', name, 7])
      expect(await script.evalsha(['k'], [name])).toEqual(['k', name, 7])
    })

    test('a read-only script runs through EVALSHA_RO and EVAL_RO', async () => {
      const client = setup.client()
      const script = client.createScript<string[], true>(`${FLAGGED} -- ${key('ro')}`, { readonly: true })
      expect(await script.exec(['k'], ['v'])).toEqual(['k', 'v', 7])
      expect(await script.evalshaRo(['k'], ['v'])).toEqual(['k', 'v', 7])
    })

    test('SCRIPT LOAD and SCRIPT EXISTS speak of the SHA1 that the client has', async () => {
      const client = setup.client()
      const text = `${FLAGGED} -- ${key('loaded')}`
      const sha = createHash('sha1').update(text).digest('hex')
      expect(await client.scriptExists(sha)).toEqual([0])
      expect(await client.scriptLoad(text)).toBe(sha)
      expect(await client.scriptExists(sha, '0'.repeat(40))).toEqual([1, 0])
      expect(await client.evalsha(sha, ['k'], ['v'])).toEqual(['k', 'v', 7])
    })

    test('flagged scripts also run inside a multi', async () => {
      const client = setup.client()
      expect(await client.multi().eval(FLAGGED, ['k'], ['v']).ping().exec()).toEqual([['k', 'v', 7], 'PONG'])
    })

    test('a gateway that restarted answers NOSCRIPT and the client recovers by itself', async () => {
      const script = `${FLAGGED} -- ${key('restart')}`
      await setup.client().createScript(script).exec(['k'], ['v'])
      const restarted = await startUpstashGateway({ redisUrl: setup.redis.url, token: TOKEN })
      try {
        const client = setup.client({ url: restarted.url })
        expect(await client.createScript(script).exec(['k'], ['v'])).toEqual(['k', 'v', 7])
      } finally {
        await restarted.stop()
      }
    })

    test('an error in a flagged script names the line of the source', async () => {
      const client = setup.client()
      await expect(
        client.eval('#!lua flags=allow-key-locking\nlocal a = 1\nerror("here")', [], []),
      ).rejects.toThrow(/:3:.*here/)
    })
  })

  describe('streams', () => {
    test('a group reads, claims what another left, and acknowledges', async () => {
      const client = setup.client()
      const stream = key('events')
      const id = await client.xadd(stream, '*', { kind: 'order', seat: 'A-1' })
      expect(await client.xgroup(stream, { type: 'CREATE', group: 'g', id: '0' })).toBe('OK')
      expect(await client.xreadgroup('g', 'one', stream, '>', { count: 10 })).toEqual([
        [stream, [[id, ['kind', 'order', 'seat', 'A-1']]]],
      ])
      expect(await client.xreadgroup('g', 'one', stream, '>')).toBeNull()
      expect(await client.xautoclaim(stream, 'g', 'two', 0, '0-0')).toEqual([
        '0-0',
        [[id, ['kind', 'order', 'seat', 'A-1']]],
        [],
      ])
      expect(await client.xpending(stream, 'g', '-', '+', 10)).toEqual([[id, 'two', expect.any(Number), 2]])
      expect(await client.xack(stream, 'g', id)).toBe(1)
      expect(await client.xpending(stream, 'g', '-', '+', 10)).toEqual([])
    })
  })

  describe('pub/sub', () => {
    test('a subscriber hears what is published, whatever it holds', async () => {
      const client = setup.client()
      const subscriber = client.subscribe<unknown>(key('chat'))
      const heard: unknown[] = []
      subscriber.on('message', ({ message }) => heard.push(message))
      const subscribed = new Promise((resolve) => subscriber.on('subscribe', resolve))
      expect(await subscribed).toBe(1)
      expect(await client.publish(key('chat'), { price: 1, text: 'Grüße, 🎟️' })).toBe(1)
      await client.publish(key('chat'), 'a,b,c')
      await client.publish(key('other'), 'not for us')
      await expect.poll(() => heard).toEqual([{ price: 1, text: 'Grüße, 🎟️' }, 'a,b,c'])
      await subscriber.unsubscribe()
      // The gateway gives the connection back when the client goes.
      await expect.poll(() => client.publish(key('chat'), 'anyone?')).toBe(0)
    })

    test('a pattern subscriber hears matching channels', async () => {
      const client = setup.client()
      const subscriber = client.psubscribe<unknown>(`${key('room')}:*`)
      const heard: unknown[] = []
      subscriber.on('pmessage', (message) => heard.push(message))
      await new Promise((resolve) => subscriber.on('psubscribe', resolve))
      await client.publish(`${key('room')}:1`, { open: true })
      await expect
        .poll(() => heard)
        .toEqual([{ pattern: `${key('room')}:*`, channel: `${key('room')}:1`, message: { open: true } }])
      await subscriber.unsubscribe()
    })
  })
})
