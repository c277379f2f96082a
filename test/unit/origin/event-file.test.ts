// The event file: every fault by its path, and the demo without any.
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { eventFile } from '../../../origin/import/event-file.ts'
import { fieldErrors } from '../../../src/http/read-json.ts'
import { smallEvent } from '../../origin/small-event.ts'

const faults = (input: unknown): Record<string, string> => {
  const parsed = eventFile.safeParse(input)
  return Object.fromEntries(
    parsed.success ? [] : fieldErrors(parsed.error, input).map(({ field, message }) => [field, message]),
  )
}

test('the demo has no fault', async () => {
  const text = await readFile(new URL('../../../local/demo/event.json', import.meta.url), 'utf8')
  expect(faults(JSON.parse(text))).toEqual({})
})

test('a bad file is answered with all its faults, each by its path', () => {
  const found = faults({
    format: 'csv',
    event: { id: 'Has Space', name: '', currency: 'euro', colour: 'red' },
    performances: [
      {
        id: 'p',
        name: 'P',
        startsAt: 'tomorrow',
        room: 'No Room',
        tiers: [{ id: 't', name: 'T', price: -1 }],
      },
    ],
    hall: {
      id: 'h',
      name: 'H',
      sections: [{ id: 'A', name: 'A', tier: 't', rows: [{ label: '1', count: 0 }] }],
    },
  })
  expect(Object.keys(found).toSorted()).toEqual([
    '/event/colour',
    '/event/currency',
    '/event/id',
    '/event/name',
    '/format',
    '/hall/sections/0/rows/0',
    '/hall/sections/0/rows/0/count',
    '/performances/0/room',
    '/performances/0/startsAt',
    '/performances/0/tiers/0/price',
  ])
})

test('a currency is one that is known, and the answer names one that is not', () => {
  const event = smallEvent()
  for (const code of ['EUR', 'JPY', 'KWD']) {
    expect(faults({ ...event, event: { ...event.event, currency: code } })).toEqual({})
  }
  const message = '"ZZZ" is not a known currency: must be an ISO 4217 code such as "EUR"'
  expect(faults({ ...event, event: { ...event.event, currency: 'ZZZ' } })).toEqual({
    '/event/currency': message,
  })
})

test('price and fee of a seat are together no more than one payment can be', () => {
  const priced = (price: number, fee?: number) => {
    const event = smallEvent()
    const [night] = event.performances
    const tier = night?.tiers[0]
    if (tier === undefined) throw new Error('the small event has changed')
    tier.price = price
    tier.fee = fee
    return faults(event)
  }
  const field = '/performances/0/tiers/0/price'
  expect(priced(99_999_998, 1)).toEqual({})
  expect(priced(99_999_999)).toEqual({})
  const refused = { [field]: 'and fee must together be at most 99999999' }
  expect(priced(99_999_999, 1)).toEqual(refused)
  expect(priced(100_000_000)).toEqual(refused)
  expect(priced(0, 100_000_000)).toEqual(refused)
})

test('a performance begins in the years 2000 to 2200, as UTC counts them', () => {
  const starting = (startsAt: string) => {
    const event = smallEvent()
    return faults({ ...event, performances: event.performances.map((one) => ({ ...one, startsAt })) })
  }
  const refused = { '/performances/0/startsAt': 'must be in the years 2000 to 2200 (UTC)' }
  expect(starting('2000-01-01T00:00:00Z')).toEqual({})
  expect(starting('1999-12-31T23:00:00-01:00')).toEqual({})
  expect(starting('2200-12-31T23:59:59.999Z')).toEqual({})
  expect(starting('2000-01-01T00:00:00+01:00')).toEqual(refused)
  expect(starting('2200-12-31T23:00:00-01:00')).toEqual(refused)
  expect(starting('0000-01-01T00:00:00Z')).toEqual(refused)
  expect(starting('9999-12-31T23:59:59Z')).toEqual(refused)
})

describe('what the parts must have in common', () => {
  test('a tier without a price, unknown seats and repeated ids are named together', () => {
    const event = smallEvent()
    const [night] = event.performances
    const [front] = event.hall.sections
    if (night === undefined || front === undefined) throw new Error('the small event has changed')
    night.tiers = night.tiers.slice(0, 1)
    night.blocked = ['A-1-1', 'A-9-1', 'A-1-1']
    event.hall.accessible = ['Z-1-1']
    event.hall.sections.push({ ...front })
    expect(Object.keys(faults(event)).toSorted()).toEqual([
      '/hall/accessible/0',
      '/hall/sections',
      '/hall/sections/1/tier',
      '/hall/sections/2/id',
      '/performances/0/blocked/1',
      '/performances/0/blocked/2',
    ])
  })

  test('a row stands on a line or on an arc, and not on both', () => {
    const event = smallEvent()
    const row = event.hall.sections[0]?.rows?.[0]
    if (row === undefined) throw new Error('the small event has changed')
    row.arc = { radius: 3, fromDegrees: 0, toDegrees: 10 }
    expect(faults(event)).toEqual({ '/hall/sections/0/rows/0': 'must have either "line" or "arc"' })
  })

  test('a seat is blocked or the house’s own, and house seats are seats of the hall', () => {
    const event = smallEvent()
    const [night] = event.performances
    if (night === undefined) throw new Error('the small event has changed')
    night.house = ['A-1-1', 'B-1-10', 'A-1-1', 'Z-1-1']
    expect(Object.keys(faults(event)).toSorted()).toEqual([
      '/performances/0/house/1',
      '/performances/0/house/2',
      '/performances/0/house/3',
    ])
  })

  test('a section has rows or, as an area, a capacity and a place on the map', () => {
    const event = smallEvent()
    const area = { id: 'F', name: 'Floor', tier: 'far', kind: 'general' as const }
    const box = { x: 0, y: 20, width: 10, height: 5 }
    const [front] = event.hall.sections
    if (front === undefined) throw new Error('the small event has changed')
    event.hall.sections = [
      { ...area, capacity: 40, box },
      { ...area, id: 'G' },
      { ...area, id: 'H', capacity: 0, box: { ...box, width: 0 } },
      { ...front, rows: front.rows, kind: 'general', capacity: 3 },
      { id: 'S', name: 'Stalls', tier: 'far', capacity: 40, box },
    ]
    event.hall.accessible = []
    event.performances = event.performances.map((one) => ({ ...one, blocked: ['F-GA-40'] }))
    expect(Object.keys(faults(event)).toSorted()).toEqual([
      '/hall/sections/1/capacity',
      '/hall/sections/2/box/width',
      '/hall/sections/2/capacity',
      '/hall/sections/3/rows',
      '/hall/sections/4/box',
      '/hall/sections/4/capacity',
      '/hall/sections/4/rows',
    ])
    event.hall.sections = event.hall.sections.slice(0, 1)
    expect(faults(event)).toEqual({})
    event.performances = event.performances.map((one) => ({ ...one, blocked: ['F-GA-41'] }))
    expect(faults(event)).toEqual({ '/performances/0/blocked/0': 'the hall has no seat "F-GA-41"' })
  })

  test('a file of more seats than are accepted says how many it has', () => {
    const event = smallEvent()
    const area = { name: 'Floor', tier: 'far', kind: 'general' as const, capacity: 100_000 }
    event.hall.sections = [...event.hall.sections, { ...area, id: 'F' }]
    expect(faults(event)).toEqual({ '/hall/sections': '100020 seats: at most 100000 are accepted' })
  })
})
