// Every way to tamper with a published draw is found, and said in words; an honest one holds.

import { describe, expect, it } from 'vitest'
import type { DrawDocument } from '../../src/draw/document.ts'
import { drawnPlace } from '../../src/draw/value.ts'
import { drawOrder, inOrder, verifyDraw, type Kept } from '../../src/draw/verify.ts'
import { headOf, publish, RANDOMNESS, sha256, visitorOf, type Published } from './draw-files.ts'

const verify = ({ document, entries }: Published, kept?: Kept) =>
  verifyDraw(document, new TextEncoder().encode(entries), kept)
const failuresOf = async (published: Published, kept?: Kept): Promise<string[]> =>
  (await verify(published, kept)).findings
    .filter(({ verdict }) => verdict === 'fails')
    .map(({ text }) => text)
/** The file with its lines changed; line 0 is the header. */
const edited = (published: Published, edit: (lines: string[]) => string[]): Published => {
  const lines = edit(published.entries.split('\n').slice(0, -1))
  return { ...published, entries: lines.map((line) => `${line}\n`).join('') }
}
const stating = (published: Published, change: Partial<DrawDocument>): Published => ({
  ...published,
  document: { ...published.document, ...change },
})

describe('an honest draw', () => {
  it('holds, and orders everyone by value', async () => {
    const published = publish()
    const { findings, order } = await verify(published, {
      prefix: { entries: 7, head: headOf(published.entries, 8) },
      beacon: RANDOMNESS,
    })
    expect(findings.filter(({ verdict }) => verdict !== 'holds')).toEqual([])
    const { secret, head, beacon } = published.document
    const byHand = Array.from({ length: 20 }, (_, n) => {
      const value = sha256(`${visitorOf(n)}|${secret}|${head}|${beacon}`)
      return { visitor: visitorOf(n), value, place: drawnPlace(value) }
    }).toSorted((a, b) => a.place - b.place)
    expect(order).toEqual(byHand)
  })

  it('without a beacon says plainly that the operator knew the secret', async () => {
    const { findings } = await verify(publish({ beacon: false }))
    expect(findings.filter(({ verdict }) => verdict === 'fails')).toEqual([])
    expect(findings).toContainEqual({
      verdict: 'note',
      text: expect.stringContaining('the operator knew the secret all along'),
    })
  })

  it('draws an id once that stands twice, and tells', async () => {
    const { findings, order } = await verify(publish({ visitors: [1, 2, 3, 2].map(visitorOf) }))
    expect(order).toHaveLength(3)
    expect(findings).toContainEqual({
      verdict: 'note',
      text: expect.stringContaining('Lines that repeat an id: 1'),
    })
  })

  it('orders equal places by id, as Redis does', () => {
    const entries = [
      { visitor: 'b', place: 2 },
      { visitor: 'Z', place: 2 },
      { visitor: 'a', place: 2 },
      { visitor: 'c', place: 1 },
    ]
    expect(entries.toSorted(inOrder).map(({ visitor }) => visitor)).toEqual(['c', 'Z', 'a', 'b'])
  })

  it('that is not complete is checked as far as it goes', async () => {
    const { findings, order } = await verify(
      stating(publish(), { complete: false, secret: null, beacon: null }),
    )
    expect(order).toEqual([])
    expect(findings.filter(({ verdict }) => verdict === 'fails')).toEqual([])
    expect(findings.filter(({ verdict }) => verdict === 'open')).toHaveLength(2)
  })
})

describe('a draw that was tampered with is found:', () => {
  const chain = expect.stringContaining('an entry was added, removed, moved or altered')

  it('an entry added', async () => {
    const found = await failuresOf(edited(publish(), (lines) => [...lines, visitorOf(99)]))
    expect(found).toEqual([expect.stringContaining('21 entries'), chain])
  })

  it('an entry removed', async () => {
    const found = await failuresOf(edited(publish(), (lines) => lines.toSpliced(5, 1)))
    expect(found).toEqual([expect.stringContaining('19 entries'), chain])
  })

  it('an entry moved', async () => {
    const move = (lines: string[]) => lines.toSpliced(5, 2, lines[6] ?? '', lines[5] ?? '')
    expect(await failuresOf(edited(publish(), move))).toEqual([chain])
  })

  it('an entry altered', async () => {
    expect(await failuresOf(edited(publish(), (lines) => lines.with(5, visitorOf(99))))).toEqual([chain])
  })

  it('a line that is no entry, and a last line that does not end', async () => {
    const odd = await failuresOf(edited(publish(), (lines) => lines.with(5, 'not an id!')))
    expect(odd).toContainEqual(expect.stringContaining('a line that is no visitor id'))
    const published = publish()
    const cut = await failuresOf({ ...published, entries: published.entries.slice(0, -1) })
    expect(cut).toContainEqual(expect.stringContaining('does not end with a line break'))
  })

  it('a list that was made anew, head and all, by the head that a visitor kept', async () => {
    const before = publish()
    const kept = { prefix: { entries: 7, head: headOf(before.entries, 8) } }
    const anew = publish({ visitors: Array.from({ length: 20 }, (_, n) => visitorOf(n === 3 ? 99 : n)) })
    expect(await failuresOf(anew)).toEqual([])
    expect(await failuresOf(anew, kept)).toEqual([
      expect.stringContaining('what was entered before has been changed'),
    ])
    const shorter = publish({ visitors: [1, 2, 3].map(visitorOf) })
    expect(await failuresOf(shorter, kept)).toEqual([expect.stringContaining('the file has only 3')])
  })

  it('another secret than the one committed to', async () => {
    expect(await failuresOf(stating(publish(), { secret: sha256('another') }))).toEqual([
      expect.stringContaining('not the one that the header committed to'),
    ])
  })

  it('another beacon value, chain or round', async () => {
    const other = sha256('chosen by the operator')
    expect(await failuresOf(stating(publish(), { beacon: other }), { beacon: RANDOMNESS })).toEqual([
      expect.stringContaining(`the draw used ${other}`),
    ])
    const { document } = publish()
    for (const change of [
      { round: (document.round ?? 0) - 100 },
      { beaconChain: { url: 'https://own.example', genesis: 1_600_000_000, period: 30 } },
      { beaconChain: null, round: null },
    ]) {
      expect(await failuresOf(stating(publish(), change))).toContainEqual(
        expect.stringContaining('differ from the header'),
      )
    }
    expect(await failuresOf(stating(publish(), { beacon: null }))).toEqual([
      expect.stringContaining('names no value of its beacon'),
    ])
  })

  it('a round that was known before the closing', async () => {
    // Genesis and period that make the same number an earlier time.
    const change = {
      beaconChain: { url: 'https://beacon.example/chain', genesis: 1_500_000_000, period: 30 },
    }
    expect(await failuresOf(stating(publish(), change))).toEqual([
      expect.stringContaining('is not the first that the beacon publishes'),
      expect.stringContaining('came before the entries had closed (2027-03-01T09:00:00.000Z)'),
    ])
  })

  it('entries that closed later than promised; an earlier closing is noted', async () => {
    expect(await failuresOf(stating(publish(), { closes: '2027-03-01T09:00:01Z' }))).toEqual([
      expect.stringContaining('after the time fixed by the header (2027-03-01T09:00:00.000Z)'),
    ])
    expect(await failuresOf(stating(publish(), { closes: '2027-03-01T10:00:00Z' }))).toEqual([
      expect.stringContaining('after the time fixed by the header'),
      expect.stringContaining('the outcome could be known while entries were open'),
    ])
    const earlier = await verify(stating(publish(), { closes: '2027-03-01T08:00:00Z' }))
    expect(earlier.findings.map(({ verdict }) => verdict)).not.toContain('fails')
    expect(earlier.findings).toContainEqual({
      verdict: 'note',
      text: expect.stringContaining('moved forward'),
    })
  })

  it('a header of another room or sale, or none at all', async () => {
    expect(await failuresOf(stating(publish(), { sale: 'autumn' }))).toEqual([
      expect.stringContaining('differ from the header'),
    ])
    const { document, entries } = publish()
    const bare = entries.replace(/^.*\n/, 'no header\n')
    const found = await failuresOf({
      entries: bare,
      document: { ...document, header: 'no header', head: sha256(bare) },
    })
    expect(found).toContainEqual(expect.stringContaining('nothing was fixed beforehand'))
  })
})

it('when somebody enters makes no difference to the place drawn', async () => {
  // 50 draws of 1,000 entries: how often each tenth of the arrivals lands in each tenth of the order. Seed: the texts.
  const visitors = Array.from({ length: 1_000 }, (_, n) => visitorOf(n))
  const numberOf = new Map(visitors.map((visitor, n) => [visitor, n]))
  const table = Array.from({ length: 10 }, () => Array.from({ length: 10 }, () => 0))
  for (let draw = 0; draw < 50; draw += 1) {
    const order = await drawOrder(visitors, {
      secret: sha256(`secret ${draw}`),
      head: sha256(`head ${draw}`),
      beacon: null,
    })
    for (const [rank, { visitor }] of order.entries()) {
      const row = table[Math.floor((numberOf.get(visitor) ?? 0) / 100)]
      if (row !== undefined) row[Math.floor(rank / 100)] = (row[Math.floor(rank / 100)] ?? 0) + 1
    }
  }
  const expected = 500
  const chiSquare = table.flat().reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0)
  // 81 degrees of freedom: below 126 in 99.9 % of fair draws; by arrival it would be 450,000.
  expect(chiSquare).toBeLessThan(126)
  expect(chiSquare).toBeGreaterThan(45)
})
