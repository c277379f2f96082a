// The edge's part of a lottery: publishes commitment and secret with the snapshot, and draws. Values are computed here,
// so that the secret never enters Redis; a step of the draw is a script call, which anyone may repeat. Called by the
// snapshot after a refresh, and by cron. Where the draw cannot go on the room stays `drawing`: nobody is let in by luck.

import type { Room } from '../src/config/room.ts'
import { readBeaconAnswer, roundAddress, roundAfter, timeOfRoundMs } from '../src/draw/beacon.ts'
import { readHeader } from '../src/draw/entry-file.ts'
import { commitmentTo, drawSecret } from '../src/draw/secret.ts'
import { drawnPlace, drawValue } from '../src/draw/value.ts'
import type {
  DrawProgress,
  DrawSnapshot,
  DrawStep,
  QueueStore,
  SnapshotDocument,
} from '../src/redis/queue.ts'
import { DownloadSlots } from './entry-file.ts'
import type { HighestSeen } from './seen.ts'

/** Work behind one response: well within the 30 s that the platform gives it. The next refresh goes on. */
const RUN_MS = 5_000
/** A run that has not ended after this was ended by the platform. */
const LOST_RUN_MS = 30_000
const BEACON_TIMEOUT_MS = 3_000
const BEACON_RETRY_MS = 2_000
/** Another isolate draws: a thousand of them need not ask every second. */
const BUSY_MS = 2_000
/** The same warning is logged again after this. */
const WARN_EVERY_MS = 30_000

/** The secret of one room's draw and the commitment to it, as hex. */
export interface DrawKeys {
  readonly secret: string
  readonly commitment: string
}

/** `drawSecretKey` is DRAW_SECRET. */
export async function drawKeysOf(room: Room, drawSecretKey: string): Promise<DrawKeys> {
  const secret = await drawSecret(drawSecretKey, { room: room.id, sale: room.sale.name })
  return { secret, commitment: await commitmentTo(secret) }
}

/** One room's draw as this isolate does it. */
export class RoomDraw {
  readonly downloads = new DownloadSlots()
  readonly #room: Room
  readonly #store: Pick<QueueStore, 'draw'>
  readonly #seen: HighestSeen
  readonly #keys: DrawKeys
  readonly #runner = crypto.randomUUID()
  #startedAtMs = Number.NEGATIVE_INFINITY
  #askBeaconAtMs = 0
  #busyUntilMs = 0
  #warnedAtMs = Number.NEGATIVE_INFINITY
  #fault: string | undefined

  constructor(
    room: Room,
    { store, seen, keys }: { store: Pick<QueueStore, 'draw'>; seen: HighestSeen; keys: DrawKeys },
  ) {
    this.#room = room
    this.#store = store
    this.#seen = seen
    this.#keys = keys
  }

  /** Why the draw cannot go on, in a sentence that anybody may read; for the health check. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** The document as the public may see it: with the commitment always, with the secret when the draw is complete. */
  publish(document: SnapshotDocument): SnapshotDocument {
    const { snapshot } = document
    const draw = snapshot.draw ?? this.#beforeTheFirst(snapshot.startsAt)
    const commitment = commitmentIn(draw) ?? this.#keys.commitment
    const ours = commitment === this.#keys.commitment
    const secret = draw.complete && ours ? this.#keys.secret : null
    return { ...document, snapshot: { ...snapshot, draw: { ...draw, commitment, secret } } }
  }

  #beforeTheFirst(startsAtMs: number | null): DrawSnapshot {
    const beacon = this.#room.draw_beacon
    const round = beacon === undefined || startsAtMs === null ? null : roundAfter(startsAtMs, beacon)
    const nothing = { commitment: null, head: null, entries: 0, header: null, beacon: null, secret: null }
    return { ...nothing, round, complete: false }
  }

  /** Draws on, where entries have closed and are not all drawn. Never rejects: what went wrong is logged. */
  async run(document: SnapshotDocument, { forMs = RUN_MS }: { forMs?: number } = {}): Promise<void> {
    const { draw } = document.snapshot
    if (draw === null || draw.complete || (document.drawState?.closed ?? 0) === 0) {
      this.#fault = undefined
      return
    }
    const nowMs = Date.now()
    if (nowMs - this.#startedAtMs < LOST_RUN_MS || nowMs < this.#busyUntilMs) return
    if (commitmentIn(draw) !== this.#keys.commitment) {
      this.#fail(
        'DRAW_SECRET is not the one that the draw was begun with: restore it, or the order cannot be drawn.',
      )
      return
    }
    this.#startedAtMs = nowMs
    try {
      await this.#draw(nowMs + forMs)
    } catch (error) {
      this.#fail(`The draw stands still: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      this.#startedAtMs = Number.NEGATIVE_INFINITY
    }
  }

  async #draw(untilMs: number): Promise<void> {
    let progress = await this.#step({})
    while (Date.now() < untilMs) {
      switch (progress.status) {
        case 'busy':
          this.#fault = undefined
          this.#busyUntilMs = Date.now() + BUSY_MS
          return
        case 'over':
          this.#fault = undefined
          return
        case 'done':
          this.#fault = undefined
          console.info(JSON.stringify({ level: 'info', event: 'draw_complete', room: this.#room.id }))
          return
        case 'beacon': {
          const beacon = await this.#askBeacon(progress)
          if (beacon === undefined) return
          progress = await this.#step({ beacon })
          break
        }
        case 'page':
          this.#fault = undefined
          progress = await this.#step(await this.#compute(progress))
          break
      }
    }
  }

  #step(step: Omit<DrawStep, 'runner'>): Promise<DrawProgress> {
    return this.#store.draw(this.#room, { ...step, runner: this.#runner }, this.#seen.value)
  }

  async #compute({ head, beacon, visitors }: DrawProgress): Promise<Omit<DrawStep, 'runner'>> {
    const inputs = { secret: this.#keys.secret, head, beacon }
    const values = await Promise.all(visitors.map((visitor) => drawValue(visitor, inputs)))
    const places = visitors.map((visitor, i) => ({ visitor, place: drawnPlace(values[i] ?? '') }))
    return { head, places, ...(beacon !== null && { beacon }) }
  }

  /** The round's randomness; `undefined` before its time and while the beacon does not give it. */
  async #askBeacon({ header, round, nowMs }: DrawProgress): Promise<string | undefined> {
    const url = readHeader(header)?.beacon
    if (url === undefined || url === null || round === null) {
      this.#fail('The draw needs a beacon, but its header names none.')
      return undefined
    }
    const times = this.#room.draw_beacon
    if (times !== undefined && nowMs < timeOfRoundMs(round, times)) return undefined
    if (Date.now() < this.#askBeaconAtMs) return undefined
    this.#askBeaconAtMs = Date.now() + BEACON_RETRY_MS
    const answer = await askBeacon(roundAddress(url, round), round)
    if ('randomness' in answer) return answer.randomness
    this.#fail(`Round ${round} of the beacon cannot be had: ${answer.fault}. The draw waits for it.`)
    return undefined
  }

  #fail(fault: string): void {
    const nowMs = Date.now()
    const again = this.#fault !== fault || nowMs - this.#warnedAtMs > WARN_EVERY_MS
    this.#fault = fault
    if (!again) return
    this.#warnedAtMs = nowMs
    console.warn(JSON.stringify({ level: 'warn', event: 'draw_stands_still', room: this.#room.id, fault }))
  }
}

const commitmentIn = ({ header }: DrawSnapshot): string | undefined =>
  header === null ? undefined : readHeader(header)?.commitment

async function askBeacon(
  address: string,
  round: number,
): Promise<{ readonly randomness: string } | { readonly fault: string }> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(BEACON_TIMEOUT_MS) })
    if (!response.ok) return { fault: `it answers ${response.status}` }
    return await readBeaconAnswer(await response.json(), round)
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}
