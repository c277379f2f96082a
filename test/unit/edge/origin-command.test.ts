import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readCommand } from '../../../edge/origin-command.ts'

const NOW = Date.parse('2026-12-01T09:00:00Z')
const LATER = NOW + 600_000
const logged: string[] = []
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation((line: string) => void logged.push(line)))
afterEach(() => {
  vi.restoreAllMocks()
  logged.length = 0
})

const read = (command: string | undefined, { age = false, hasSession = true } = {}) => {
  const headers = new Headers()
  if (command !== undefined) headers.set('Waiting-Room-Command', command)
  if (age) headers.set('age', '0')
  return readCommand(headers, { hasSession, nowMs: NOW })
}
const reasons = () => logged.map((line) => String(JSON.parse(line).reason))

describe('a response', () => {
  test.each([
    ['none', undefined],
    ['an empty one', ' , '],
  ])('with %s commands nothing, and logs nothing', (_, command) => {
    expect(read(command)).toEqual({ action: 'none' })
    expect(logged).toEqual([])
  })

  test.each([
    `extend-session; until=${LATER}`,
    `Extend-Session;until=${LATER}`,
    ` extend-session ;  until=${LATER} `,
  ])('extends by "%s"', (command) => {
    expect(read(command)).toEqual({ action: 'extend', untilMs: LATER })
    expect(logged).toEqual([])
  })

  test('with several extensions means the longest, and an end goes before them all, in any order', () => {
    const [short, long] = [`extend-session; until=${LATER}`, `extend-session; until=${LATER + 1_000}`]
    expect(read(`${short}, ${long}`)).toEqual({ action: 'extend', untilMs: LATER + 1_000 })
    expect(read(`${long}, ${short}`)).toEqual({ action: 'extend', untilMs: LATER + 1_000 })
    expect(read(`${long}, end-session, ${short}`)).toEqual({ action: 'end' })
    expect(read(`end-session, ${long}`)).toEqual({ action: 'end' })
  })
})

test.each([
  ['unknown', 'extend-sessions; until=1'],
  ['unknown', 'extend-session-until=1'],
  ['unknown', 'until=1'],
  ['malformed', 'extend-session'],
  ['malformed', 'extend-session;'],
  ['malformed', 'extend-session; until='],
  ['malformed', `extend-session; until=-${LATER}`],
  ['malformed', `extend-session; until=${LATER}.5`],
  ['malformed', 'extend-session; until=1e15'],
  ['malformed', `extend-session; until="${LATER}"`],
  ['malformed', `extend-session; until=${LATER}; for=ever`],
  ['malformed', 'extend-session; until=2026-12-01T10:00:00Z'],
  ['malformed', 'extend-session; until=9999999999999999'],
  ['malformed', 'extend-session; minutes=10'],
  ['past', `extend-session; until=${NOW}`],
])('is ignored as %s: "%s"', (reason, command) => {
  expect(read(command)).toEqual({ action: 'none' })
  expect(reasons()).toEqual([reason])
})

test('a command counts for nobody out of a cache, and for nobody who has no session', () => {
  const command = `extend-session; until=${LATER}`
  expect(read(command, { age: true })).toEqual({ action: 'none' })
  expect(read(command, { hasSession: false })).toEqual({ action: 'none' })
  expect(reasons()).toEqual(['cached', 'no_session'])
})

test('a command that is ignored takes nothing from one that is not, and is cut short in the log', () => {
  expect(read(`${'x'.repeat(500)}, extend-session; until=${LATER}`)).toEqual({
    action: 'extend',
    untilMs: LATER,
  })
  expect(logged).toHaveLength(1)
  expect(logged[0]?.length).toBeLessThan(200)
})
