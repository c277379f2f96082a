import { describe, expect, test } from 'vitest'
import { cookieName, readCookie, setCookie, stripCookies } from '../../../edge/cookies.ts'
import { parseRoomId } from '../../../src/ids.ts'

const room = parseRoomId('demo')
if (room === undefined) throw new Error('demo is a room name')
const QUEUE = cookieName('queue', room, 'secure')
const ours = new Set([QUEUE, cookieName('pass', room, 'secure')])

describe('a foreign or broken Cookie header', () => {
  test.each([
    '',
    ';',
    ';;;',
    '=',
    '=; =',
    'x',
    'a=b=c; d',
    '\u00fc=\u00ff',
    'a="b; c"',
    `x${'y'.repeat(20_000)}`,
    `${QUEUE}x=1; y${QUEUE}=2`,
    `"${QUEUE}=3"`,
  ])('%j is neither understood nor damaged', (header) => {
    expect(readCookie(header, QUEUE)).toBeUndefined()
    expect(stripCookies(header, ours) ?? '').toBe(header.replace(/^ +/, ''))
  })

  test('random ones never throw and lose none of the others', () => {
    const seed = Math.floor(Math.random() * 2 ** 32)
    console.log(`seed ${seed}`)
    const random = mulberry32(seed)
    const alphabet = [';', '=', ' ', '"', 'a', QUEUE, '__Host-wr-pass-demo', '\u00ff', ',', '%']
    for (let round = 0; round < 2_000; round += 1) {
      const header = Array.from(
        { length: Math.floor(random() * 12) },
        () => alphabet[Math.floor(random() * alphabet.length)],
      ).join('')
      readCookie(header, QUEUE)
      const foreign = header.split(';').filter((part) => !ours.has((part.split('=')[0] ?? '').trim()))
      expect((stripCookies(header, ours) ?? '').trimStart()).toBe(foreign.join(';').trimStart())
    }
  })
})

test('only our own cookies are taken away, and the others stay byte for byte', () => {
  expect(stripCookies(`${QUEUE}=t; a="1 2";b=3 ; __Host-wr-pass-demo=p;  c`, ours)).toBe('a="1 2";b=3 ;  c')
  expect(stripCookies(`${QUEUE}=t`, ours)).toBeUndefined()
  expect(stripCookies(null, ours)).toBeUndefined()
})

test('the first value counts, and an empty one is none', () => {
  expect(readCookie(`${QUEUE}=; ${QUEUE}=one; ${QUEUE}=two`, QUEUE)).toBe('one')
})

test('cookies are bound to the host over HTTPS; only the plain mode of the local stack is not', () => {
  expect(setCookie(QUEUE, 'v', { mode: 'secure', maxAgeSeconds: 9.9 })).toBe(
    '__Host-wr-queue-demo=v; Path=/; Max-Age=9; HttpOnly; Secure; SameSite=Lax',
  )
  expect(setCookie(cookieName('pass', room, 'plain'), 'v', { mode: 'plain', maxAgeSeconds: -5 })).toBe(
    'wr-pass-demo=v; Path=/; Max-Age=0; HttpOnly; SameSite=Lax',
  )
})

function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
