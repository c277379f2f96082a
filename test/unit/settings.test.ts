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

  it('need at least one room', () => {
    for (const input of [undefined, null, [], {}, 'demo'])
      expect(faultsOf(input), JSON.stringify(input)).toHaveLength(1)
  })
})
