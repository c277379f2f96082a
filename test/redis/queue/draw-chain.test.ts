// The streaming SHA-256 of chain.lua against Node's own, on both servers that the embedded stack may run.

import { createHash, randomBytes, randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Redis as Connection } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRedis, type RunningRedis } from '../../../local/redis.ts'
import { KINDS } from '../kinds.ts'

const source = await readFile(new URL('../../../src/redis/lua/chain.lua', import.meta.url), 'utf8')
/** Adds each argument by itself, and answers the head after each and the chain at the end. */
const CHAIN = `${source}
local chain, heads = chain_begin(), {}
for i = 1, #ARGV do
  chain = chain_add(chain, ARGV[i])
  heads[i] = chain_head(chain)
end
return { chain, unpack(heads) }`
/** Goes on with the chain of ARGV[1]. */
const RESUME = `${source}
return chain_head(chain_add(ARGV[1], table.concat(ARGV, '', 2)))`

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const lineOf = (characters: number): string =>
  randomBytes(characters).toString('base64url').slice(0, characters)

describe.each(KINDS)('the chain of entries on %s', (kind) => {
  let running: RunningRedis
  let connection: Connection
  beforeAll(async () => {
    running = await startRedis({ kind })
    connection = new Connection(running.url)
  })
  afterAll(async () => {
    connection.disconnect()
    await running.stop()
  })

  const chainOf = async (...parts: string[]): Promise<{ chain: string; heads: string[] }> => {
    const [chain = '', ...heads] = (await connection.eval(CHAIN, 0, ...parts)) as string[]
    return { chain, heads }
  }

  it('ends in the SHA-256 of the text at every length around the borders of blocks', async () => {
    for (const length of [
      0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 121, 127, 128, 129, 191, 192, 193,
    ]) {
      const text = lineOf(length)
      expect((await chainOf(text)).heads, `${length} bytes`).toEqual([sha256(text)])
    }
  })

  it('has after every addition the head of all that was added so far, whatever the lengths', async () => {
    const seed = randomInt(2 ** 31)
    console.log(`lengths by seed ${seed}`)
    let state = seed
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (let round = 0; round < 5; round += 1) {
      const parts = Array.from({ length: 30 }, () => `${lineOf(next(150))}\n`)
      const { heads } = await chainOf(...parts)
      expect(heads).toEqual(parts.map((_, i) => sha256(parts.slice(0, i + 1).join(''))))
    }
  })

  it('is printable text, from which another call goes on', async () => {
    const first = Array.from({ length: 50 }, () => `${lineOf(24)}\n`)
    const { chain } = await chainOf('foyer-draw-1 room=a sale=b\n', ...first)
    expect(chain).toMatch(/^[0-9a-f]{64},\d+,([0-9a-f]{2}){0,63}$/)

    const more = Array.from({ length: 100 }, () => `${lineOf(24)}\n`)
    const whole = `foyer-draw-1 room=a sale=b\n${first.join('')}${more.join('')}`
    expect(await connection.eval(RESUME, 0, chain, ...more)).toBe(sha256(whole))
    const { heads } = await chainOf('foyer-draw-1 room=a sale=b\n', ...first, ...more)
    expect(heads.at(-1)).toBe(sha256(whole))
  })

  it('hashes bytes that are no text, and a length whose bits pass 2^32', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const hashed = await connection.eval(
      `${source} return chain_head(chain_add(chain_begin(), ARGV[1]))`,
      0,
      bytes,
    )
    expect(hashed).toBe(createHash('sha256').update(bytes).digest('hex'))

    // The state of a chain of 2^29 + 64 bytes, as if it had been hashed: only the stated length may differ in the end.
    const { chain } = await chainOf('a'.repeat(64))
    const [words = ''] = chain.split(',')
    const head = (length: string) =>
      connection.eval(`${source} return chain_head(ARGV[1])`, 0, `${words},${length},`)
    expect(await head(String(64))).toBe(sha256('a'.repeat(64)))
    expect(await head(String(2 ** 29 + 64))).not.toBe(await head(String(64)))
  })
})
