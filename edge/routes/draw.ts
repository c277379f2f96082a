// What anybody needs to compute a draw again: its public document, and the file of entries once they have closed.
// Read from the shared snapshot; only the file costs Redis commands, one for each ten thousand entries.

import { Hono, type Context } from 'hono'
import { roundAfter, timeOfRoundMs } from '../../src/draw/beacon.ts'
import { ALGORITHM, type DrawDocument } from '../../src/draw/document.ts'
import { readHeader } from '../../src/draw/entry-file.ts'
import { Problem } from '../../src/problem.ts'
import type { DrawSnapshot, SnapshotDocument } from '../../src/redis/queue.ts'
import { msToRfc3339, msToSecondsUp } from '../../src/time.ts'
import type { EdgeEnv } from '../env.ts'
import type { RoomQueue } from '../room-queue.ts'
import { queueOf } from './room.ts'

const ENTRIES_PER_READ = 10_000
/** The address names the head, so what it answers never changes. */
const FOREVER = 'public, max-age=31536000, immutable'
const SHORTLY = 'public, max-age=5'

export const drawRoutes = new Hono<EdgeEnv>()
  .get('/.waiting-room/:room/draw', async (c) => {
    const queue = queueOf(c)
    const { document, draw } = await drawOf(c, queue)
    c.header('cache-control', SHORTLY)
    return c.json(describe(queue, { document, draw, url: c.req.url }), 200)
  })
  .get('/.waiting-room/:room/draw/entries', async (c) => {
    const queue = queueOf(c)
    const { document, draw } = await drawOf(c, queue)
    refuseBeforeClosing(document)
    const asked = c.req.query('head') ?? draw.head
    if (asked !== draw.head) {
      throw new Problem('not_found', { detail: 'There is no list of entries with this head in this room.' })
    }
    if (queue.draw?.beginDownload() === false) {
      throw new Problem('busy', {
        detail: 'Too many lists are being sent at this moment; the same request may be repeated.',
        retryAfterSeconds: 5 + Math.floor(10 * Math.random()),
      })
    }
    const ended = once(() => queue.draw?.endDownload())
    try {
      const file = await openEntryFile(queue, draw, ended)
      return c.body(file, 200, {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': draw.complete && c.req.query('head') !== undefined ? FOREVER : SHORTLY,
      })
    } catch (error) {
      ended()
      throw error
    }
  })

async function drawOf(
  c: Context<EdgeEnv>,
  { room, snapshot }: RoomQueue,
): Promise<{ document: SnapshotDocument; draw: DrawSnapshot }> {
  if (room.queueing_method !== 'lottery') {
    throw new Problem('draw_none', { detail: 'This room draws no lottery; its queue is by arrival.' })
  }
  const document = await snapshot.get((promise) => c.executionCtx.waitUntil(promise))
  const { draw } = document.snapshot
  if (draw === null) throw new Problem('draw_none', { detail: 'This room has no draw at present.' })
  return { document, draw }
}

function describe(
  { room }: RoomQueue,
  { document, draw, url }: { document: SnapshotDocument; draw: DrawSnapshot; url: string },
): DrawDocument {
  const terms = draw.header === null ? undefined : readHeader(draw.header)
  const closesMs =
    document.drawState?.closed || (terms?.closesMs ?? document.snapshot.startsAt ?? room.eventStartMs)
  const chain = room.draw_beacon ?? null
  const round = draw.round ?? (chain === null ? null : roundAfter(closesMs, chain))
  const query = draw.head === null ? '' : `?head=${draw.head}`
  return {
    room: room.id,
    sale: room.sale.name,
    commitment: draw.commitment ?? '',
    head: draw.head,
    entries: draw.entries,
    header: draw.header,
    closes: msToRfc3339(closesMs),
    beaconChain: chain,
    round,
    roundAt: chain === null || round === null ? null : msToRfc3339(timeOfRoundMs(round, chain)),
    beacon: draw.beacon,
    secret: draw.secret,
    complete: draw.complete,
    algorithm: ALGORITHM,
    entriesUrl: new URL(`/.waiting-room/${room.id}/draw/entries${query}`, url).href,
  }
}

/** The list tells who is in the room: it is shown when nothing can be added to it any more. */
function refuseBeforeClosing({ drawState, snapshot }: SnapshotDocument): void {
  if (drawState !== null && drawState.closed > 0) return
  const opensAtMs = snapshot.startsAt
  throw new Problem('draw_not_closed', {
    detail: 'The list of entries is published when they have closed; until then its head is in the snapshot.',
    retryAfterSeconds: opensAtMs === null ? 30 : Math.max(1, msToSecondsUp(opensAtMs - snapshot.at)),
    extensions: { closesAt: opensAtMs === null ? null : msToRfc3339(opensAtMs) },
  })
}

/** Header and ids line by line, read from Redis while it is sent; `ended` is told when it is over in any way. */
async function openEntryFile(
  { store, room }: RoomQueue,
  draw: DrawSnapshot,
  ended: () => void,
): Promise<ReadableStream> {
  let page = await store.readEntries(room, 0, ENTRIES_PER_READ)
  const last = await store.readEntries(room, draw.entries - 1, 2)
  if (page.length < Math.min(ENTRIES_PER_READ, draw.entries) || last.length !== 1) {
    throw new Problem('draw_entries_lost', {
      detail: 'The store has lost the list of entries since. Head, secret and beacon still tell every place.',
    })
  }
  const encoder = new TextEncoder()
  let sent = 0
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(`${draw.header}\n`))
    },
    async pull(controller) {
      try {
        if (sent > 0)
          page = await store.readEntries(room, sent, Math.min(ENTRIES_PER_READ, draw.entries - sent))
      } catch (error) {
        ended()
        throw error
      }
      sent += page.length
      if (page.length > 0) controller.enqueue(encoder.encode(`${page.join('\n')}\n`))
      if (page.length > 0 && sent < draw.entries) return
      controller.close()
      ended()
    },
    cancel: ended,
  })
}

/** Calls through the first time only. */
function once(act: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    act()
  }
}
