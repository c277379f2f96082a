// What anybody needs to compute a draw again: its public document, and the file of entries once they have closed.
// Read from the shared snapshot; only the file costs Redis commands, one for each ten thousand entries.

import { Hono, type Context } from 'hono'
import { roundAfter, timeOfRoundMs } from '../../src/draw/beacon.ts'
import { ALGORITHM, type DrawDocument } from '../../src/draw/document.ts'
import { readHeader } from '../../src/draw/entry-file.ts'
import { Problem } from '../../src/problem.ts'
import type { DrawSnapshot, SnapshotDocument } from '../../src/redis/queue.ts'
import { msToRfc3339, msToSecondsUp } from '../../src/time.ts'
import { openEntryFile, requireEntries, type DownloadSlots } from '../entry-file.ts'
import type { EdgeEnv } from '../env.ts'
import type { RoomQueue } from '../room-queue.ts'
import { queueOf } from './room.ts'

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
    const { document, draw, slots } = await drawOf(c, queue)
    refuseBeforeClosing(document, draw)
    const asked = c.req.query('head') ?? draw.head
    if (asked !== draw.head) {
      throw new Problem('not_found', { detail: 'There is no list of entries with this head in this room.' })
    }
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': draw.complete && c.req.query('head') !== undefined ? FOREVER : SHORTLY,
    }
    if (c.req.method === 'HEAD') {
      // The same answer, but nothing is read and no slot taken: nobody would ever read that body, or end it.
      await requireEntries(queue, draw)
      return c.body(null, 200, headers)
    }
    return c.body(await openEntryFile(queue, draw, { slots }), 200, headers)
  })

async function drawOf(
  c: Context<EdgeEnv>,
  { room, snapshot, draw: ours }: RoomQueue,
): Promise<{ document: SnapshotDocument; draw: DrawSnapshot; slots: DownloadSlots }> {
  if (room.queueing_method !== 'lottery' || ours === undefined) {
    throw new Problem('draw_none', { detail: 'This room draws no lottery; its queue is by arrival.' })
  }
  const document = await snapshot.get((promise) => c.executionCtx.waitUntil(promise))
  const { draw } = document.snapshot
  if (draw === null) throw new Problem('draw_none', { detail: 'This room has no draw at present.' })
  return { document, draw, slots: ours.downloads }
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
function refuseBeforeClosing({ drawState, snapshot }: SnapshotDocument, { header }: DrawSnapshot): void {
  if (drawState !== null && drawState.closed > 0) return
  // At the opening, and with entries never later than their header has promised.
  const promisedMs = header === null ? undefined : readHeader(header)?.closesMs
  const closesAtMs =
    snapshot.startsAt === null || promisedMs === undefined
      ? (snapshot.startsAt ?? promisedMs ?? null)
      : Math.min(snapshot.startsAt, promisedMs)
  throw new Problem('draw_not_closed', {
    detail: 'The list of entries is published when they have closed; until then its head is in the snapshot.',
    retryAfterSeconds: closesAtMs === null ? 30 : Math.max(1, msToSecondsUp(closesAtMs - snapshot.at)),
    extensions: { closesAt: closesAtMs === null ? null : msToRfc3339(closesAtMs) },
  })
}
