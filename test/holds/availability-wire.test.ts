// What availability costs on the wire: the whole map of 15,000 seats in its worst case, and nothing where nothing changed.

import { randomInt } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { answerSince, showCopy } from '../../origin/availability-answer.ts'
import { SEAT_MARKS, type SeatMark } from '../../src/redis/seat-marks.ts'
import { AVAILABILITY, setUpOrigin } from './setup.ts'
import { apply, asShown, unpack, type SeatNews } from './watcher.ts'

const SEATS = 15_000
const LIMIT_BYTES = 4_096

/** Park and Miller's generator: the same seed, the same maps. */
function randomOf(seed: number) {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

/** Marks as they are most unlike each other as two bits: a quarter of each, in no order. */
const EVENLY: readonly SeatMark[] = ['f', 'a', 'h', 's', 'f', 'a', 'h', 'b']

describe('15,000 seats, compressed', () => {
  const seed = randomInt(1, 2_147_483_646)

  test.each<[string, number]>([
    ['evenly', 0],
    ['with shares drawn anew for each map', 1],
    ['in groups', 2],
  ])(`of random marks %s take less than 4 KB (seed ${seed})`, async (_, kind) => {
    const random = randomOf(seed + kind)
    let largest = 0
    for (let round = 0; round < 60; round += 1) {
      const shares = SEAT_MARKS.map(() => random() ** 2)
      const sum = shares.reduce((a, b) => a + b, 0)
      const draw = (): SeatMark => {
        if (kind !== 1) return EVENLY[Math.floor(random() * EVENLY.length)] ?? 'f'
        let left = random() * sum
        return SEAT_MARKS.find((_mark, at) => (left -= shares[at] ?? 0) <= 0) ?? 'f'
      }
      let map = ''
      while (map.length < SEATS) map += draw().repeat(kind === 2 ? 1 + Math.floor(random() * 3) : 1)
      map = map.slice(0, SEATS)
      const { whole } = await showCopy({
        version: 1_795_000_000_000 + round,
        map,
        steps: [],
        sinceVersion: 0,
      })
      const gzip = whole.gzip ?? new Uint8Array()
      const news = JSON.parse(String(gunzipSync(gzip))) as SeatNews
      expect(unpack(news.packed ?? '', news.seats ?? 0)).toBe(asShown(map))
      largest = Math.max(largest, gzip.length)
    }
    expect(largest).toBeLessThan(LIMIT_BYTES)
    // A control: they are as hard as they seem. Two bits a seat are 3,750 bytes, and nothing packs random ones closer.
    if (kind === 0) expect(largest).toBeGreaterThan(3_750)
  })

  test('changes are told one by one only while they are less than 4 KB as they are', async () => {
    const steps = Array.from({ length: 400 }, (_, at) => ({ version: at + 2, ordinals: [14_600 + at] }))
    const shown = await showCopy({ version: 401, map: 'f'.repeat(SEATS), steps, sinceVersion: 1 })
    for (let since = 1; since <= 401; since += 1) {
      const answer = answerSince(shown, since)
      if (answer !== shown.whole) expect(answer.json.length).toBeLessThan(LIMIT_BYTES)
    }
    expect(answerSince(shown, 1)).toBe(shown.whole)
    expect(answerSince(shown, 101).json.length).toBeGreaterThan(3_500)
  })
})

describe('over HTTP', () => {
  const origin = setUpOrigin()

  test.each<[string | undefined, boolean]>([
    ['gzip', true],
    ['br, gzip;q=0.5', true],
    ['*', true],
    [undefined, false],
    ['identity', false],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
  ])('Accept-Encoding %s: compressed is %s', async (accepted, compressed) => {
    await origin.sellInPostgres([2])
    const visitor = await origin.visitor('reader')
    const response = await visitor.get(
      AVAILABILITY,
      accepted === undefined ? {} : { 'accept-encoding': accepted },
    )
    expect(response.headers.get('content-encoding')).toBe(compressed ? 'gzip' : null)
    expect(response.headers.get('vary')).toBe('accept-encoding')
    expect(response.headers.get('content-type')).toContain('application/json')
    const bytes = Buffer.from(await response.arrayBuffer())
    const news = JSON.parse(String(compressed ? gunzipSync(bytes) : bytes)) as SeatNews
    expect(apply(undefined, news).map).toBe('ffxffffffffffffffffx')
  })

  test('whoever has what there is is told so, by the version alone, for the whole and for changes', async () => {
    const visitor = await origin.visitor('keeper')
    const whole = await visitor.get(AVAILABILITY)
    const etag = whole.headers.get('etag') ?? ''
    const { version } = (await whole.json()) as SeatNews
    expect(etag).toBe(`W/"${version}"`)
    // A browser keeps it, and asks each time.
    expect(whole.headers.get('cache-control')).toBe('private, no-cache')
    const since = `${AVAILABILITY}?since=${version}`
    const quiet = (await visitor.get(since)).headers.get('etag') ?? ''
    expect(quiet).toBe(`W/"${version}-${version}"`)
    for (const [path, tags] of [
      [AVAILABILITY, etag],
      [AVAILABILITY, `"other", "${version}"`],
      [since, quiet],
    ] as const) {
      const again = await visitor.get(path, { 'if-none-match': tags, 'accept-encoding': 'gzip' })
      expect([again.status, await again.text()]).toEqual([304, ''])
      expect(again.headers.get('cache-control')).toBe('private, no-cache')
    }
    for (const [path, tag] of [
      [AVAILABILITY, quiet],
      [since, etag],
    ] as const) {
      expect((await visitor.get(path, { 'if-none-match': tag })).status).toBe(200)
    }
    await visitor.hold(['A-1-1'])
    await expect
      .poll(async () => (await visitor.get(AVAILABILITY, { 'if-none-match': etag })).status, {
        timeout: 5_000,
      })
      .toBe(200)
    expect((await visitor.get(since, { 'if-none-match': quiet })).status).toBe(200)
  })
})
