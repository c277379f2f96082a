// What the token of an entry is worth before, during and after a draw.

import { describe, expect, it } from 'vitest'
import { resolveEntry } from '../../edge/drawn-entry.ts'
import { spellHeader } from '../../src/draw/entry-file.ts'
import { drawnPlace, drawValue } from '../../src/draw/value.ts'
import { parseRoomId, parseVisitorId } from '../../src/ids.ts'
import type { DrawSnapshot } from '../../src/redis/queue.ts'
import type { QueueClaims } from '../../src/tokens/queue-token.ts'
import { sha256 } from './draw-files.ts'

const room = parseRoomId('demo')
const visitor = parseVisitorId('a-visitor-of-24-character')
if (room === undefined || visitor === undefined) throw new Error('both ids are valid')

const CLOCK = Date.UTC(2027, 0) * 1_000
const entered = (epoch: number): QueueClaims => ({
  room,
  visitor,
  sale: 'spring',
  epoch,
  place: CLOCK,
  ahead: 0,
  calledTotal: 0,
  leftTotal: 0,
  entry: { number: 3, entries: 7, head: sha256('seven') },
})
const header = (epoch: number): string =>
  spellHeader({
    room: 'demo',
    sale: 'spring',
    epoch,
    commitment: sha256('secret'),
    closesMs: CLOCK / 1_000,
    beacon: null,
    round: 0,
  })
const draw = (change: Partial<DrawSnapshot> = {}): DrawSnapshot => ({
  commitment: sha256('secret'),
  head: sha256('all'),
  entries: 9,
  header: header(2),
  round: null,
  beacon: null,
  secret: 'secret',
  complete: true,
  ...change,
})

describe('the token of an entry', () => {
  it('becomes the drawn place when the draw is complete', async () => {
    const { entry: _entry, ...placed } = entered(2)
    const place = drawnPlace(
      await drawValue(visitor, { secret: 'secret', head: sha256('all'), beacon: null }),
    )
    expect(await resolveEntry(entered(2), draw())).toEqual({ ...placed, place })
    // The epoch in which the store had to learn the draw again is no other list.
    expect(await resolveEntry(entered(3), draw())).toEqual({ ...placed, epoch: 3, place })
  })

  it('stays an entry before, and while the numbers are not published', async () => {
    for (const pending of [null, draw({ complete: false }), draw({ secret: null }), draw({ head: null })])
      expect(await resolveEntry(entered(2), pending)).toEqual(entered(2))
  })

  it('of a list that was begun anew since was not drawn: it keeps the time of entry', async () => {
    const { entry: _entry, ...placed } = entered(1)
    expect(await resolveEntry(entered(1), draw())).toEqual(placed)
  })

  it('leaves places alone', async () => {
    const { entry: _entry, ...placed } = entered(2)
    expect(await resolveEntry(placed, draw())).toEqual(placed)
  })
})
