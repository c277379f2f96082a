// The numbers of a draw against Node's own hashes and against values worked out by hand.

import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readBeaconAnswer, roundAddress, roundAfter, timeOfRoundMs } from '../../src/draw/beacon.ts'
import { readHeader, spellHeader } from '../../src/draw/entry-file.ts'
import { commitmentTo, drawSecret } from '../../src/draw/secret.ts'
import { drawnPlace, drawValue, isDrawn } from '../../src/draw/value.ts'

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

describe('the value of an entry', () => {
  const secret = sha256('secret')
  const head = sha256('file')
  const beacon = sha256('round')

  it('is the hash of visitor, secret, head and beacon, and of an empty beacon where there is none', async () => {
    expect(await drawValue('visitor-1', { secret, head, beacon })).toBe(
      sha256(`visitor-1|${secret}|${head}|${beacon}`),
    )
    expect(await drawValue('visitor-1', { secret, head, beacon: null })).toBe(
      sha256(`visitor-1|${secret}|${head}|`),
    )
  })

  it('gives the place by its first 50 bits, from 1 to 2^50, below every clock', () => {
    expect(drawnPlace('0'.repeat(64))).toBe(1)
    expect(drawnPlace(`0000000000003${'f'.repeat(51)}`)).toBe(1)
    expect(drawnPlace(`0000000000004${'0'.repeat(51)}`)).toBe(2)
    expect(drawnPlace('f'.repeat(64))).toBe(2 ** 50)
    const value = sha256('any')
    const first50 = BigInt(`0x${value}`) >> 206n
    expect(drawnPlace(value)).toBe(Number(first50) + 1)

    expect([0, 1, 2 ** 50, 2 ** 50 + 1, Date.UTC(2020) * 1_000].map(isDrawn)).toEqual([
      false,
      true,
      true,
      false,
      false,
    ])
  })
})

it('the secret is an HMAC of room and sale, and the commitment the hash of its text', async () => {
  const secret = await drawSecret('k'.repeat(43), { room: 'demo', sale: 'spring' })
  expect(secret).toBe(createHmac('sha256', 'k'.repeat(43)).update('demo|spring').digest('hex'))
  expect(await commitmentTo(secret)).toBe(sha256(secret))
  expect(await drawSecret('k'.repeat(43), { room: 'demo', sale: 'autumn' })).not.toBe(secret)
})

describe('the header of the entry file', () => {
  const terms = {
    room: 'demo',
    sale: 'spring.2027',
    epoch: 3,
    commitment: sha256('secret'),
    closesMs: Date.parse('2027-03-01T09:00:00Z'),
    beacon: 'https://api.example/chain',
    round: 4_711,
  }

  it('reads back as it was spelt, with a beacon and without', () => {
    expect(spellHeader(terms)).toBe(
      `foyer-draw-1 room=demo sale=spring.2027 epoch=3 commitment=${terms.commitment} ` +
        'closes=2027-03-01T09:00:00.000Z beacon=https://api.example/chain round=4711',
    )
    for (const each of [terms, { ...terms, beacon: null, round: 0 }])
      expect(readHeader(spellHeader(each))).toEqual(each)
  })

  it('is nothing else', () => {
    for (const line of [
      '',
      'visitor',
      spellHeader(terms).replace('draw-1', 'draw-2'),
      `${spellHeader(terms)} more=1`,
    ])
      expect(readHeader(line)).toBeUndefined()
  })
})

describe('the round of an opening', () => {
  const chain = { genesis: 1_000, period: 30 }

  it('is the first published ten seconds or more after it', () => {
    for (const [closes, round, published] of [
      [1_020, 2, 1_030], // exactly ten seconds
      [1_020.001, 3, 1_060],
      [1_049.5, 3, 1_060],
      [1_050, 3, 1_060],
      [1_051, 4, 1_090],
    ] as const) {
      expect(roundAfter(closes * 1_000, chain), `closing at ${closes}`).toBe(round)
      expect(timeOfRoundMs(round, chain)).toBe(published * 1_000)
    }
  })

  it('is the first round of a beacon that begins later', () => {
    expect(roundAfter(0, chain)).toBe(1)
  })

  it('has its address under the chain', () => {
    expect(roundAddress('https://api.example/chain', 7)).toBe('https://api.example/chain/public/7')
    expect(roundAddress('https://api.example/chain/', 7)).toBe('https://api.example/chain/public/7')
  })
})

describe("a beacon's answer", () => {
  const signature = 'ab'.repeat(48)
  const randomness = sha256(Buffer.from(signature, 'hex'))

  it('is taken when its randomness is the hash of its signature, or when it has none', async () => {
    expect(await readBeaconAnswer({ round: 7, randomness, signature, previous_signature: '00' }, 7)).toEqual({
      randomness,
    })
    expect(await readBeaconAnswer({ round: 7, randomness }, 7)).toEqual({ randomness })
  })

  it('is refused, in words, when it is of another round or does not hang together', async () => {
    for (const answer of [
      undefined,
      'text',
      {},
      { round: 8, randomness, signature },
      { round: 7, randomness: 'ff', signature },
      { round: 7, randomness: sha256('other'), signature },
      { round: 7, randomness, signature: 'xyz' },
      { round: 7, randomness, signature: 5 },
    ]) {
      const read = await readBeaconAnswer(answer, 7)
      expect('fault' in read ? read.fault : '', JSON.stringify(answer)).toMatch(/beacon/)
    }
  })

  it('of a real chain hangs together (drand quicknet, round 1000)', async () => {
    const real = {
      round: 1000,
      randomness: 'fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd',
      signature:
        'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
    }
    expect(await readBeaconAnswer(real, 1000)).toEqual({ randomness: real.randomness })
  })
})
