// Every queue script says in its header what it takes; this test reads each header and compares it with the binding.

import { readdir, readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { parseRoomId } from '../../src/ids.ts'
import { roomKeys } from '../../src/redis/keys.ts'
import {
  OVERRIDE_ARGUMENTS,
  OVERRIDE_KEYS,
  ROOM_ARGUMENTS,
  ROOM_KEYS,
  SCRIPT_ARGUMENTS,
} from '../../src/redis/queue-arguments.ts'

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
  const expected = [...Object.keys(SCRIPT_ARGUMENTS), 'override', 'room', 'slots'].map(
    (name) => `${name}.lua`,
  )
  expect(files).toEqual(expected.toSorted())
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
  expect(body).toContain(`local ROOM_ARGUMENTS, CHUNK, NEVER = ${ROOM_ARGUMENTS.length},`)
})

it.each(Object.entries(SCRIPT_ARGUMENTS))('%s.lua goes on where room.lua ends', async (name, args) => {
  const header = await readHeader(`${name}.lua`)
  expect(header.args).toEqual([...args])
  expect(header.firstArgument).toBe(ROOM_ARGUMENTS.length + 1)
  expect(header.text).toContain(`KEYS[1..${ROOM_KEYS.length}] as in room.lua`)
  expect(header.text).toContain(`ARGV[1..${ROOM_ARGUMENTS.length}] as in room.lua`)
  expect(header.keys).toEqual([])
  if (name !== 'advance') {
    expect(header.body).toContain(`for i = ROOM_ARGUMENTS + 1, #ARGV, ${args.length} do`)
  }
})

it('override.lua stands alone', async () => {
  const { keys, args } = await readHeader('override.lua')
  expect(keys).toEqual([...OVERRIDE_KEYS])
  expect(args).toEqual([...OVERRIDE_ARGUMENTS])
})

it('a script touches no key that it was not given, and prints no number by itself', async () => {
  for (const file of files) {
    const { body } = await readHeader(file)
    expect(body).not.toMatch(/wr:|redis\.call\('[A-Z]+', '/)
    const highest = Math.max(0, ...[...body.matchAll(/KEYS\[(\d+)\]/g)].map((match) => Number(match[1])))
    expect(highest).toBeLessThanOrEqual(file === 'override.lua' ? OVERRIDE_KEYS.length : ROOM_KEYS.length)
    expect(body).not.toMatch(/%d'|cjson/)
    expect(body).not.toContain('#!lua')
  }
})

it('the patterns of the headers are the keys that keys.ts spells', async () => {
  const room = parseRoomId('some-room')
  if (room === undefined) throw new Error('a valid room id')
  const keys = Object.entries(roomKeys(room))
  const written = `${(await readHeader('room.lua')).text}\n${(await readHeader('override.lua')).text}`
  for (const [name, key] of keys) {
    expect(written).toContain(` ${name} `)
    expect(written).toContain(key.replace('some-room', 'room'))
  }
})
