// A draw as one visitor's page lives it: the entry, the end, the place, and the proof that the device computes.

import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { drawValue, judgeDraw, placeFrom, returnDelayMs } from '../../../edge/page/draw.ts'
import { openEntryNote } from '../../../edge/page/kept-entry.ts'
import { type Draw, readHeld, readSnapshot } from '../../../edge/page/room-data.ts'
import { held, open, seen } from './open-page.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const VISITOR = 'V7QkTz2mXwPb4aB9cD1eF3gH'
const SECRET = sha256('a secret')
const entry = { number: 7, entries: 9, head: 'aa' }
const entered = { ...held, visitor: VISITOR, ahead: 0, entry }
const coming: Draw = {
  commitment: sha256(SECRET),
  head: sha256('entries'),
  entries: 20_000,
  round: null,
  beacon: null,
  secret: null,
  complete: false,
  beaconAddress: null,
}
const done: Draw = { ...coming, secret: SECRET, complete: true }
/** As the contract of the draw has it, computed another way than the page does. */
const value = sha256(`${VISITOR}|${SECRET}|${done.head}|`)
const place = Number(BigInt(`0x${value}`) >> 206n) + 1
const drawn = { ...held, visitor: VISITOR, place, ahead: 5, epoch: 2 }
const names = (calls: readonly string[]) => calls.map((call) => call.split(' ')[0])

test('the draw value and the place are those that the draw defines', async () => {
  expect(await drawValue(VISITOR, done)).toBe(value)
  expect(placeFrom(value)).toBe(place)
  expect(placeFrom('0'.repeat(64))).toBe(1)
  expect(placeFrom('f'.repeat(64))).toBe(2 ** 50)
  const beacon = { ...done, beacon: 'b0' }
  expect(await drawValue(VISITOR, beacon)).toBe(sha256(`${VISITOR}|${SECRET}|${done.head}|b0`))
})

test('the page says that a draw matches only if all of it does', async () => {
  const mine = { visitor: VISITOR, place }
  const verdict = async (changes: Partial<Draw>, kept?: string) =>
    (
      await judgeDraw(
        mine,
        { ...done, ...changes },
        kept === undefined ? undefined : { ...entry, visitor: VISITOR, commitment: kept, epoch: 1 },
      )
    ).is
  expect(await verdict({})).toBe('matches')
  expect(await verdict({}, done.commitment ?? '')).toBe('matches')
  expect(await verdict({ head: sha256('other entries') })).toBe('differs')
  expect(await verdict({ secret: sha256('another secret') })).toBe('differs')
  expect(await verdict({ beacon: '00' })).toBe('differs')
  // The commitment was exchanged after this visitor had entered.
  expect(await verdict({}, sha256('what was shown before'))).toBe('differs')
  // The place follows from the secret, but it is not the one that was committed to.
  expect(await verdict({ commitment: sha256('another secret') })).toBe('differs')
  expect(await verdict({ commitment: null })).toBe('unchecked')
  // Nobody entered since this browser noted the list, and it ends in another way; or it became shorter.
  const noted = { ...entry, visitor: VISITOR, commitment: done.commitment, epoch: 1 }
  const against = async (kept: Partial<typeof noted>) =>
    (await judgeDraw(mine, done, { ...noted, ...kept })).is
  expect(await against({})).toBe('matches')
  expect(await against({ entries: done.entries, head: done.head })).toBe('matches')
  expect(await against({ entries: done.entries, head: sha256('other entries') })).toBe('differs')
  expect(await against({ entries: done.entries + 1 })).toBe('differs')
  expect((await judgeDraw({ ...mine, place: place + 1 }, done, undefined)).is).toBe('differs')
})

test('without SHA-256 in the browser nothing is claimed', async () => {
  const spy = vi.spyOn(crypto, 'subtle', 'get').mockReturnValue(undefined as unknown as SubtleCrypto)
  expect((await judgeDraw({ visitor: VISITOR, place }, done, undefined)).is).toBe('unchecked')
  spy.mockRestore()
})

test('an entry is no position, and the page waits for the draw', async () => {
  const AT = seenAt()
  const page = open({
    joins: [{ is: 'joined', held: entered }],
    looks: [seen({ state: 'prequeue', startsAt: AT + 600_000, draw: coming })],
  })
  await page.settle()
  expect(page.last()).toMatchObject({ stage: 'entered', position: null, entry })
})

test('the answer to join is an entry where the server says so, with or without a place', () => {
  const answer = { visitor: VISITOR, position: null, epoch: 1, state: 'entered', entry }
  expect(readHeld(answer)).toMatchObject({ visitor: VISITOR, entry })
  expect(readHeld({ ...answer, place: 17 })).toMatchObject({ place: 17, entry })
  expect(readHeld({ ...answer, entry: undefined })).toBeUndefined()
})

test('when the draw is done the page presents its entry once, and never speaks of putting things in order', async () => {
  const after = seen({ epoch: 2, draw: done })
  const page = open({
    queue: entered,
    looks: [seen({ state: 'drawing', draw: coming }), after, after, after],
    joins: [{ is: 'joined', held: drawn }],
    random: 0,
  })
  await page.settle()
  expect(page.last()?.stage).toBe('drawing')
  await page.step()
  await expect.poll(() => page.waitMs()).toBeGreaterThan(0)
  expect(names(page.calls)).toEqual(['now', 'now'])
  page.pass(page.waitMs() ?? 0)
  await page.step()
  await expect.poll(() => page.last()?.stage).toBe('waiting')
  expect(names(page.calls)).toEqual(['now', 'now', 'now', 'join', 'now'])
  expect(page.last()).toMatchObject({ position: 6, verdict: { is: 'matches', value, place }, entry })
  expect(page.shown.map(({ stage }) => stage)).not.toContain('recovering')
})

test('a page that is looked at again and again meanwhile does not come back later for it', async () => {
  const after = seen({ epoch: 2, draw: done })
  const page = open({
    queue: entered,
    looks: [after, after, after, after],
    joins: [{ is: 'joined', held: drawn }],
  })
  await expect.poll(() => page.waitMs()).toBeGreaterThan(0)
  const firstMs = page.waitMs() ?? 0
  page.pass(firstMs - 1)
  page.waiting.wake()
  await expect.poll(() => page.waitMs()).toBe(1)
  page.pass(1)
  await page.step()
  await expect.poll(() => names(page.calls)).toContain('join')
})

test('they come back in the order of the draw: the front at once, nobody after all could have been called', () => {
  const hex = (share: number) =>
    Math.floor(share * 2 ** 52)
      .toString(16)
      .padStart(13, '0')
      .padEnd(64, '0')
  const delayMs = (share: number, entries = 1_000_000) => returnDelayMs(hex(share), { entries, random: 0 })
  expect(delayMs(0.000_1)).toBeLessThan(100)
  expect(delayMs(0.5)).toBeCloseTo(100_000, -2)
  expect(delayMs(1 - 2 ** -50)).toBeLessThanOrEqual(200_000)
  // Without a value, somewhere in the same time.
  expect(returnDelayMs(undefined, { entries: 1_000_000, random: 0.5 })).toBeLessThanOrEqual(101_000)
})

test('what was shown at the entry is kept over a reload, and only its first sight', () => {
  const memory = new Map<string, string>()
  const storage = {
    getItem: (name: string) => memory.get(name) ?? null,
    setItem: (name: string, text: string) => void memory.set(name, text),
    removeItem: (name: string) => void memory.delete(name),
  }
  openEntryNote('demo', storage).note({ ...entry, visitor: VISITOR, commitment: 'first', epoch: 1 })
  const later = openEntryNote('demo', storage)
  later.note({ ...entry, visitor: VISITOR, commitment: 'exchanged', epoch: 1 })
  expect(later.of(VISITOR)?.commitment).toBe('first')
  expect(later.of('somebody else')).toBeUndefined()
  memory.set('wr-entry-demo', '{broken')
  expect(openEntryNote('demo', storage).of(VISITOR)).toBeUndefined()
})

test('an entry of a list that began anew is another one, whatever its number', () => {
  const notes = openEntryNote('demo', undefined)
  notes.note({ ...entry, visitor: VISITOR, commitment: 'first', epoch: 1 })
  notes.note({ ...entry, head: 'bb', visitor: VISITOR, commitment: 'first', epoch: 2 })
  expect(notes.of(VISITOR)?.head).toBe('bb')
})

test('the address of the random number is read from the header of the list, and only a safe one', () => {
  const draw = (header: string) =>
    readSnapshot({ epoch: 1, at: 5, state: 'open', draw: { entries: 0, round: 7, header } })?.draw
      ?.beaconAddress
  expect(draw('foyer-draw-1 room=a beacon=https://api.drand.sh/x/ round=7')).toBe(
    'https://api.drand.sh/x/public/7',
  )
  expect(draw('foyer-draw-1 room=a beacon=none round=0')).toBeNull()
  expect(draw('foyer-draw-1 room=a beacon=javascript:alert(1) round=7')).toBeNull()
})

test('a snapshot of a draw is read before its first entry too', () => {
  const document = {
    epoch: 1,
    at: 5,
    state: 'idle',
    draw: { commitment: 'cc', head: null, entries: 0, round: 7 },
  }
  expect(readSnapshot(document)?.draw).toMatchObject({ commitment: 'cc', head: '', entries: 0, round: 7 })
})

function seenAt(): number {
  const looked = seen()
  return looked.is === 'seen' ? looked.snapshot.at : 0
}
