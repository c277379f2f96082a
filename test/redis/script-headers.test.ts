// Every queue script says in its header what it takes; this test reads each header and compares it with the binding.

import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { parseRoomId } from '../../src/ids.ts'
import { roomKeys } from '../../src/redis/keys.ts'
import {
  ARM_ARGUMENTS,
  ARM_KEYS,
  OVERRIDE_ARGUMENTS,
  OVERRIDE_KEYS,
  ROOM_ARGUMENTS,
  ROOM_KEYS,
  SCRIPT_ARGUMENTS,
} from '../../src/redis/queue-arguments.ts'
import { STOCK_ARGUMENTS, STOCK_KEYS } from '../../src/redis/stock.ts'

/** Parts of several scripts, or of one that would be long otherwise. */
const PARTS = ['room', 'slots', 'departures', 'chain', 'entries', 'snapshot']
/** Scripts without room.lua. */
const ALONE: Readonly<Record<string, { keys: readonly string[]; args: readonly string[] }>> = {
  override: { keys: OVERRIDE_KEYS, args: OVERRIDE_ARGUMENTS },
  arm: { keys: ARM_KEYS, args: ARM_ARGUMENTS },
  stock: { keys: STOCK_KEYS, args: STOCK_ARGUMENTS },
}

const folder = new URL('../../src/redis/lua/', import.meta.url)
const files = (await readdir(folder)).filter((name) => name.endsWith('.lua')).toSorted()

interface Header {
  readonly text: string
  readonly body: string
  /** Names by number, as `KEYS[1] name …` and `ARGV[1] name …` spell them. */
  readonly keys: readonly string[]
  readonly args: readonly string[]
  readonly firstArgument: number
}

async function readHeader(file: string): Promise<Header> {
  const source = await readFile(new URL(file, folder), 'utf8')
  const [, text = '', body = ''] = /^--\[\[\n([\s\S]*?)\n--\]\]\n([\s\S]*)$/.exec(source) ?? []
  const named = (kind: string) => [...text.matchAll(new RegExp(`^${kind}\\[(\\d+)\\] +(\\S+) {2,}\\S`, 'gm'))]
  const inOrder = (kind: string) => {
    const found = named(kind)
    const numbers = found.map((match) => Number(match[1]))
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i))
    return found.map((match) => match[2] ?? '')
  }
  return {
    text,
    body,
    keys: inOrder('KEYS'),
    args: inOrder('ARGV'),
    firstArgument: Number(named('ARGV')[0]?.[1] ?? 0),
  }
}

it('there is a header for each script that the binding runs, and no other', () => {
  const names = [...Object.keys(SCRIPT_ARGUMENTS), ...Object.keys(ALONE), ...PARTS]
  expect(files).toEqual(names.map((name) => `${name}.lua`).toSorted())
})

it.each(files)('%s states purpose, invariant, returns and cost', async (file) => {
  const { text } = await readHeader(file)
  for (const part of [/^[A-Z][^\n]+\n/, /^Invariant: /m, /^Returns /m, /^Cost: /m, /O\([^)]+\)/]) {
    expect(text).toMatch(part)
  }
})

it('room.lua names the keys and arguments that every script begins with', async () => {
  const { keys, args, firstArgument, body } = await readHeader('room.lua')
  expect(keys).toEqual([...ROOM_KEYS])
  expect(args).toEqual([...ROOM_ARGUMENTS])
  expect(firstArgument).toBe(1)
  const [, names = ''] = /local NAMES = \{([^}]+)\}/.exec(body) ?? []
  expect([...names.matchAll(/'(\w+)'/g)].map((match) => match[1])).toEqual([...ROOM_ARGUMENTS])
})

it.each(Object.entries(SCRIPT_ARGUMENTS))('%s.lua goes on where room.lua ends', async (name, args) => {
  const header = await readHeader(`${name}.lua`)
  expect(header.args).toEqual([...args])
  expect(header.firstArgument).toBe(ROOM_ARGUMENTS.length + 1)
  expect(header.text).toContain(`KEYS[1..${ROOM_KEYS.length}] as in room.lua`)
  expect(header.text).toContain(`ARGV[1..${ROOM_ARGUMENTS.length}] as in room.lua`)
  expect(header.keys).toEqual([])
  if (name !== 'advance') {
    const repeated = header.text.match(/^ARGV\[\d+\].*; repeats with every entry$/gm)?.length ?? 0
    const first = 1 + args.length - repeated
    expect(header.body).toContain(`for i = ROOM_ARGUMENTS + ${first}, #ARGV, ${repeated} do`)
  }
})

it.each(Object.entries(ALONE))('%s.lua stands alone', async (name, { keys, args }) => {
  const header = await readHeader(`${name}.lua`)
  expect(header.keys).toEqual([...keys])
  expect(header.args).toEqual([...args])
})

it('a script touches no key that it was not given, and prints no number by itself', async () => {
  for (const file of files) {
    const { body } = await readHeader(file)
    expect(body).not.toMatch(/wr:|redis\.call\('[A-Z]+', '/)
    const highest = Math.max(0, ...[...body.matchAll(/KEYS\[(\d+)\]/g)].map((match) => Number(match[1])))
    const given = ALONE[file.replace('.lua', '')]?.keys ?? ROOM_KEYS
    expect(highest).toBeLessThanOrEqual(given.length)
    // cjson prints numbers with 14 digits: it may read, and write what is no number.
    expect(body).not.toMatch(/%d'|cjson\.encode\((?!value\))/)
    expect(body).not.toContain('#!lua')
  }
})

it('the patterns of the headers are the keys that keys.ts spells', async () => {
  const room = parseRoomId('some-room')
  if (room === undefined) throw new Error('a valid room id')
  const keys = Object.entries(roomKeys(room))
  const written = (await readHeader('room.lua')).text
  for (const [name, key] of keys) {
    expect(written).toContain(` ${name} `)
    expect(written).toContain(key.replace('some-room', 'room'))
  }
})
