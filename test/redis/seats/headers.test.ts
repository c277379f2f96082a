// Every seat script says in its header what it takes; this test reads each header and compares it with the binding.

import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { performanceKeys } from '../../../src/redis/keys.ts'
import { SEAT_ARGUMENTS, SEAT_KEYS, SEAT_SCRIPT_ARGUMENTS } from '../../../src/redis/seat-arguments.ts'

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
    [...Object.keys(SEAT_SCRIPT_ARGUMENTS), 'changes', 'log'].map((name) => `${name}.lua`).toSorted(),
  )
})

test.each(files)(
  '%s states purpose, invariant, returns and cost, and stays under 200 lines',
  async (file) => {
    const { header, body } = await read(file)
    for (const part of [/^[A-Z][^\n]+\n/, /^Invariant: /m, /^Returns /m, /^Cost: /m, /O\([^)]+\)/]) {
      expect(header).toMatch(part)
    }
    expect(body.split('\n').length).toBeLessThan(200)
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

test.each(Object.entries(SEAT_SCRIPT_ARGUMENTS))(
  '%s.lua goes on where changes.lua ends',
  async (name, rest) => {
    const { header, body, keys, args } = await read(`${name}.lua`)
    expect(header).toContain(`KEYS[1..${SEAT_KEYS.length}] as in changes.lua`)
    expect(header).toContain(`ARGV[1..${SEAT_ARGUMENTS.length}] as in changes.lua`)
    expect(keys).toEqual([])
    expect(args).toEqual(numbered(rest, SEAT_ARGUMENTS.length + 1))
    const used = new Set(Array.from(body.matchAll(/ARGV\[(\d+)\]/g), ([, number]) => Number(number)))
    expect([...used].toSorted((a, b) => a - b)).toEqual(args.map(([number]) => number))
  },
)

test.each(files)('%s touches no key that it was not given, and prints no number by itself', async (file) => {
  const { body } = await read(file)
  expect(body).not.toMatch(/seats:|KEYS\[[6-9]\]|%d'|cjson|tostring|#!lua/)
  if (file !== 'changes.lua') expect(body).not.toContain('KEYS[')
})
