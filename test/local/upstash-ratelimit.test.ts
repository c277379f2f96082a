// @upstash/ratelimit with each of its single-region algorithms, through the gateway, on both servers.
// Windows are an hour, so that no test depends on when it runs; the one edge, the turn of an hour, is named below.

import { Ratelimit } from '@upstash/ratelimit'
import { describe, expect, test } from 'vitest'
import { KINDS, setUpGateway } from './upstash-setup.ts'

const LIMIT = 3
const ALGORITHMS = {
  fixedWindow: Ratelimit.fixedWindow(LIMIT, '1 h'),
  slidingWindow: Ratelimit.slidingWindow(LIMIT, '1 h'),
  tokenBucket: Ratelimit.tokenBucket(LIMIT, '1 h', LIMIT),
}

describe.each(KINDS)('%s', (kind) => {
  const setup = setUpGateway(kind)

  test.each(Object.entries(ALGORITHMS))('%s lets the limit through and no more', async (_, limiter) => {
    const ratelimit = new Ratelimit({
      redis: setup.client(),
      limiter,
      prefix: setup.key('rl'),
      ephemeralCache: false,
    })
    const answers = []
    for (let call = 0; call < LIMIT + 2; call += 1) answers.push(await ratelimit.limit('visitor'))
    // `reason` is set when the answer did not come from Redis, such as after a timeout, which allows.
    expect(answers.map(({ success, remaining, reason }) => [success, remaining, reason])).toEqual([
      [true, 2, undefined],
      [true, 1, undefined],
      [true, 0, undefined],
      [false, 0, undefined],
      [false, 0, undefined],
    ])
    expect((await ratelimit.limit('another visitor')).success).toBe(true)
  })

  test.each(Object.entries(ALGORITHMS))('%s tells what remains, and forgets on reset', async (_, limiter) => {
    const ratelimit = new Ratelimit({
      redis: setup.client(),
      limiter,
      prefix: setup.key('rl'),
      ephemeralCache: false,
    })
    await ratelimit.limit('visitor', { rate: 2 })
    expect((await ratelimit.getRemaining('visitor')).remaining).toBe(1)
    await ratelimit.resetUsedTokens('visitor')
    expect((await ratelimit.getRemaining('visitor')).remaining).toBe(LIMIT)
  })

  test.each(Object.entries(ALGORITHMS))('%s holds when many ask at once', async (_, limiter) => {
    const ratelimit = new Ratelimit({
      redis: setup.client(),
      limiter,
      prefix: setup.key('rl'),
      ephemeralCache: false,
    })
    const answers = await Promise.all(Array.from({ length: 30 }, () => ratelimit.limit('visitor')))
    expect(answers.filter(({ success }) => success)).toHaveLength(LIMIT)
  })

  test('cachedFixedWindow counts in Redis behind its cache', async () => {
    const prefix = setup.key('rl')
    const options = { limiter: Ratelimit.cachedFixedWindow(LIMIT, '1 h'), prefix, ephemeralCache: new Map() }
    const ratelimit = new Ratelimit({ redis: setup.client(), ...options })
    for (let call = 0; call < LIMIT; call += 1) expect((await ratelimit.limit('visitor')).success).toBe(true)
    expect((await ratelimit.limit('visitor')).success).toBe(false)
    // Another isolate with an empty cache sees the same count.
    const elsewhere = new Ratelimit({ redis: setup.client(), ...options, ephemeralCache: new Map() })
    await expect.poll(async () => (await elsewhere.limit('visitor')).success).toBe(false)
  })
})
