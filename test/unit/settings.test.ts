import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/fault.ts'
import { liveSettings, parseRooms, roomSchema } from '../../src/config/room.ts'

const faultsOf = (input: unknown): readonly string[] => {
  try {
    parseRooms(input)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('the settings of rooms', () => {
  it('are all optional', () => {
    const [room] = parseRooms({ demo: {} }).values()
    expect(room).toMatchObject({
      id: 'demo',
      total_active_users: 200,
      claimWindowMs: 30_000,
      lateGraceMs: 600_000,
    })
  })

  it('are all described in docs/settings.md, and the live ones marked', () => {
    const rows = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8').split('\n')
    for (const name of Object.keys(roomSchema.shape)) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\` |`))
      expect(row, `${name} has a row`).toBeDefined()
      expect(row?.includes('| yes |'), `${name} is live`).toBe(name in liveSettings.shape)
    }
  })

  it('report every fault of every room at once, with the value and what is accepted', () => {
    const faults = faultsOf({
      demo: { new_users_per_minute: -5, total_active_users: 1.5, colour: 'red', queueing_method: 'random' },
      'Bad Name': {},
      other: { session_duration: 30, session_max_duration: 10, sale: { floor: 'yesterday' } },
    })
    expect(faults).toEqual([
      'ROOMS.demo.total_active_users = 1.5: must be a whole number from 1 to 10000000',
      'ROOMS.demo.new_users_per_minute = -5: must be 1 or more',
      'ROOMS.demo.queueing_method = "random": must be one of fifo, lottery, passthrough, reject',
      'ROOMS.demo: unknown setting "colour"',
      'ROOMS.Bad Name: a room\'s name is 1 to 63 of a-z, 0-9 and "-", not beginning with "-"',
      'ROOMS.other.sale.floor = "yesterday": must be an RFC 3339 time such as "2026-12-01T09:00:00Z"',
    ])
    expect(faultsOf({ other: { session_duration: 30, session_max_duration: 10 } })).toEqual([
      'ROOMS.other.session_max_duration = 10: must be at least session_duration (30)',
    ])
  })

  it('refuse a beacon that could not speak in time, or that nothing uses', () => {
    const start = '2027-03-01T09:00:00Z'
    const faultsWith = (changes: object, more: object = {}) => {
      const draw_beacon = {
        url: 'https://beacon.example/chain',
        genesis: 1_692_803_367,
        period: 3,
        ...changes,
      }
      const times = { prequeue_start_time: '2027-03-01T08:00:00Z', event_start_time: start }
      return faultsOf({ demo: { queueing_method: 'lottery', ...times, draw_beacon, ...more } })
    }
    expect(faultsWith({})).toEqual([])
    expect(faultsWith({ period: 3_000 })).toEqual([])
    const [startSeconds, fault] = [Date.parse(start) / 1_000, 'ROOMS.demo.draw_beacon']
    expect(faultsWith({ genesis: 4_000_000_000 })).toEqual([
      expect.stringContaining(`${fault}.genesis = 4000000000: must lie before event_start_time ("${start}")`),
    ])
    expect(faultsWith({ genesis: startSeconds })).toHaveLength(1)
    expect(faultsWith({ genesis: startSeconds - 1, period: 3_601 })).toEqual([])
    expect(faultsWith({ genesis: startSeconds - 1, period: 3_602 })).toEqual([
      expect.stringContaining(
        `${fault}.period = 3602: the sale would wait for the beacon's round until 2027-03-01T10:00:01.000Z`,
      ),
    ])
    expect(faultsWith({ url: 'https://beacon.example/chain/' })).toEqual([
      `${fault}.url = "https://beacon.example/chain/": must not end with "/"`,
    ])
    expect(faultsWith({}, { queueing_method: 'fifo' })).toEqual([
      expect.stringContaining(
        `${fault}.url = "https://beacon.example/chain": needs queueing_method = "lottery"`,
      ),
    ])
    // Switches of a room that draws.
    for (const queueing_method of ['passthrough', 'reject']) {
      expect(faultsWith({}, { queueing_method })).toEqual([])
    }
  })

  it('stand in the table of a room: one that stands in ROOMS itself is told so', () => {
    expect(faultsOf({ total_active_users: 300, demo: {} })).toEqual([
      'ROOMS.total_active_users = 300: a room is a table; put its settings under [vars.ROOMS.<room>]',
    ])
    expect(faultsOf({ demo: [{ burst: 5 }] })).toEqual([
      'ROOMS.demo = [{"burst":5}]: a room is a table; put its settings under [vars.ROOMS.<room>]',
    ])
  })

  it('need at least one room', () => {
    for (const input of [undefined, null, [], {}, 'demo'])
      expect(faultsOf(input), JSON.stringify(input)).toHaveLength(1)
  })
})
