// Every seat script says in its header what it takes; this test reads each header and compares it with the binding.

import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { performanceKeys, roomKeys } from '../../../src/redis/keys.ts'
import { parseRoomId } from '../../../src/ids.ts'
import {
  SEAT_ARGUMENTS,
  SEAT_KEYS,
  SEAT_SCRIPT_ARGUMENTS,
  TAKE_ARGUMENTS,
  TAKE_KEYS,
} from '../../../src/redis/seat-arguments.ts'

/** Parts of several scripts. */
const PARTS = ['changes', 'records', 'log', 'take', 'hall', 'choose', 'gaps', 'apart']

const folder = new URL('../../../src/redis/lua/seats/', import.meta.url)
const files = (await readdir(folder)).toSorted()

async function read(file: string) {
  const source = await readFile(new URL(file, folder), 'utf8')
  const [, header = '', body = ''] = /^--\[\[\n([\s\S]*?)\n--\]\]\n([\s\S]*)$/.exec(source) ?? []
  /** `KEYS[1] name …` as pairs of number and name. */
  const named = (kind: string) =>
    Array.from(
      header.matchAll(new RegExp(`^${kind}\\[(\\d+)\\] +(\\S+) {2,}\\S`, 'gm')),
      ([, number, name]) => [Number(number), name],
    )
  return { header, body, keys: named('KEYS'), args: named('ARGV') }
}

const numbered = (names: readonly string[], from: number) => names.map((name, at) => [from + at, name])

test('there is a script for each function of the binding, and no other', () => {
  expect(files).toEqual(
    [...Object.keys(SEAT_SCRIPT_ARGUMENTS), ...PARTS].map((name) => `${name}.lua`).toSorted(),
  )
})

test.each(files)(
  '%s states purpose, invariant, returns and cost, and stays under 150 lines',
  async (file) => {
    const { header, body } = await read(file)
    for (const part of [/^[A-Z][^\n]+\n/, /^Invariant: /m, /^Returns /m, /^Cost: /m, /O\([^)]+\)/]) {
      expect(header).toMatch(part)
    }
    expect(body.split('\n').length).toBeLessThan(150)
  },
)

test('changes.lua names the keys and arguments that every script begins with', async () => {
  const { header, keys, args } = await read('changes.lua')
  expect(keys).toEqual(numbered(SEAT_KEYS, 1))
  expect(args).toEqual(numbered(SEAT_ARGUMENTS, 1))
  for (const [name, key] of Object.entries(performanceKeys('some-performance'))) {
    expect(header).toMatch(new RegExp(`\\] ${name} +${key.replace('some-performance', 'performance')} `))
  }
})

const numbersUsed = (body: string) =>
  [...new Set(Array.from(body.matchAll(/ARGV\[(\d+)\]/g), ([, number]) => Number(number)))].toSorted(
    (a, b) => a - b,
  )

test('take.lua goes on where changes.lua ends, and names the key of the room', async () => {
  const { header, body, keys, args } = await read('take.lua')
  expect(header).toContain(`KEYS[1..${SEAT_KEYS.length}] as in changes.lua`)
  expect(header).toContain(`ARGV[1..${SEAT_ARGUMENTS.length}] as in changes.lua`)
  expect(keys).toEqual(numbered(TAKE_KEYS, SEAT_KEYS.length + 1))
  expect(args).toEqual(numbered(TAKE_ARGUMENTS, SEAT_ARGUMENTS.length + 1))
  expect(numbersUsed(body)).toEqual(args.map(([number]) => number))
  const room = parseRoomId('some-room')
  if (room === undefined) throw new Error('a valid room id')
  expect(header).toContain(`] ended  ${roomKeys(room).ended.replace('some-room', 'room')} `)
})

test.each(Object.entries(SEAT_SCRIPT_ARGUMENTS))('%s.lua goes on where its parts end', async (name, all) => {
  const { header, body, keys, args } = await read(`${name}.lua`)
  const takes = all[0] === TAKE_ARGUMENTS[0] && TAKE_ARGUMENTS.every((argument, at) => all[at] === argument)
  const before = SEAT_ARGUMENTS.length + (takes ? TAKE_ARGUMENTS.length : 0)
  expect(header).toContain(
    takes
      ? `KEYS[1..${SEAT_KEYS.length + TAKE_KEYS.length}] as in take.lua`
      : `KEYS[1..${SEAT_KEYS.length}] as in changes.lua`,
  )
  expect(header).toContain(`ARGV[1..${SEAT_ARGUMENTS.length}] as in changes.lua`)
  if (takes) expect(header).toContain(`ARGV[${SEAT_ARGUMENTS.length + 1}..${before}] as in take.lua`)
  expect(keys).toEqual([])
  expect(args).toEqual(numbered(all, SEAT_ARGUMENTS.length + 1).slice(before - SEAT_ARGUMENTS.length))
  expect(numbersUsed(body)).toEqual(args.map(([number]) => number))
})

test.each(files)('%s touches no key that it was not given, and prints no number by itself', async (file) => {
  const { body } = await read(file)
  expect(body).not.toMatch(/seats:|wr:|%d'|cjson|tostring|#!lua/)
  const given = { 'changes.lua': [1, SEAT_KEYS.length], 'take.lua': [SEAT_KEYS.length + 1] }[file]
  const used = Array.from(body.matchAll(/KEYS\[(\d+)\]/g), ([, number]) => Number(number))
  expect([Math.min(...used), Math.max(...used)]).toEqual(
    given === undefined ? [Infinity, -Infinity] : [given[0], given.at(-1)],
  )
})
