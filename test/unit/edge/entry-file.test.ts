// Who reads a list slowly, or not at all, keeps nobody else from it.

import { describe, expect, it } from 'vitest'
import { parseRooms } from '../../../src/config/room.ts'
import { parseRoomId } from '../../../src/ids.ts'
import type { DrawSnapshot } from '../../../src/redis/queue.ts'
import { DownloadSlots, openEntryFile, requireEntries } from '../../../edge/entry-file.ts'

const ENTRIES = 25_000
const ids = Array.from({ length: ENTRIES }, (_, n) => `visitor-${String(n).padStart(16, '0')}`)
const draw: DrawSnapshot = {
  commitment: null,
  head: 'ab'.repeat(32),
  entries: ENTRIES,
  header: 'header',
  round: null,
  beacon: null,
  secret: null,
  complete: false,
}

/** A room whose list can be read, with slots and a clock of its own. */
function setUp() {
  const id = parseRoomId('demo')
  const room = id === undefined ? undefined : parseRooms({ demo: {} }).get(id)
  if (room === undefined) throw new Error('parseRooms returns the room that it was given')
  const state = { nowMs: 1_000_000, fails: false, list: ids }
  const store = {
    async readEntries(_: unknown, from: number, count: number) {
      if (state.fails) throw new Error('Redis is away')
      return state.list.slice(from, from + count)
    },
  }
  const slots = new DownloadSlots()
  // Only `readEntries` of the store is used.
  const queue = { room, store } as unknown as Parameters<typeof openEntryFile>[0]
  const open = () => openEntryFile(queue, draw, { slots, clock: () => state.nowMs })
  return { state, open, queue }
}

const readAll = (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream).text()

describe('the entry file', () => {
  it('is header and ids, line by line, over many pages', async () => {
    const { open } = setUp()
    expect(await readAll(await open())).toBe(['header', ...ids].map((line) => `${line}\n`).join(''))
  })

  it('is sent to four at once; one who has read it, left it or failed makes room', async () => {
    const { open, state } = setUp()
    const [read, left, failed] = [await open(), await open(), await open(), await open()]
    await expect(open()).rejects.toMatchObject({ code: 'busy' })
    await readAll(read)
    const next = await open()
    await expect(open()).rejects.toMatchObject({ code: 'busy' })
    await left?.cancel()
    await open()
    await expect(open()).rejects.toMatchObject({ code: 'busy' })
    state.fails = true
    if (failed !== undefined) await expect(readAll(failed)).rejects.toThrow('Redis is away')
    await expect(open()).rejects.toThrow('Redis is away')
    state.fails = false
    await open()
    await expect(open()).rejects.toMatchObject({ code: 'busy' })
    expect(await readAll(next)).toHaveLength('header\n'.length + 25 * ENTRIES)
  })

  it('is taken from readers who stand still, for others who want it', async () => {
    const { open, state } = setUp()
    const [stalled] = [await open(), await open(), await open(), await open()]
    state.nowMs += 30_001
    const others = [await open(), await open(), await open(), await open()]
    await expect(open()).rejects.toMatchObject({ code: 'busy' })
    await expect(readAll(stalled)).rejects.toThrow('read too slowly')
    for (const other of others) expect(await readAll(other)).toContain(ids.at(-1))
  })

  it('is sent to the end to a slow reader whom nobody waits behind', async () => {
    const { open, state } = setUp()
    const reader = (await open()).getReader()
    let bytes = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.length
      state.nowMs += 60_000
    }
    expect(bytes).toBe('header\n'.length + 25 * ENTRIES)
  })

  it('is said to be lost where the store has not all of it, and holds no slot then', async () => {
    const { open, state, queue } = setUp()
    state.list = ids.slice(0, -1)
    await expect(requireEntries(queue, draw)).rejects.toMatchObject({ code: 'draw_entries_lost' })
    for (let tries = 0; tries < 5; tries += 1) {
      await expect(open()).rejects.toMatchObject({ code: 'draw_entries_lost' })
    }
    state.list = ids
    await requireEntries(queue, draw)
    await open()
  })
})
