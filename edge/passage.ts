// Takes a request through the gate: gathers the facts that `gate.ts` decides on, carries the decision out, and asks again
// with better facts when Redis decided otherwise. Each step that fails removes its own condition, so this ends.

import type { Context } from 'hono'
import { SERVICE_BINDING } from '../src/config/origin.ts'
import type { Room } from '../src/config/room.ts'
import { addressOf } from '../src/http/address.ts'
import { positionFrom } from '../src/queue/position.ts'
import { StoreUnavailable } from '../src/redis/client.ts'
import type { RoomState, SnapshotDocument } from '../src/redis/queue.ts'
import type { AdmissionClaims } from '../src/tokens/admission-token.ts'
import type { QueueClaims } from '../src/tokens/queue-token.ts'
import type { EdgeEnv } from './env.ts'
import { failureOf } from './failed.ts'
import { forward } from './forward.ts'
import { decide, type GateFacts, type QueueFacts } from './gate.ts'
import { hold } from './hold.ts'
import { claimPass, clearedCookies, enterPass, openPass, type Pass, type Work } from './passes.ts'
import { presentedPass, presentedQueueToken, type Presented } from './presented.ts'
import { isRenewalDue, renewPass } from './renewal.ts'
import { requestKind } from './request-kind.ts'
import type { RoomQueue } from './room-queue.ts'
import { isBypassed, matchRoom } from './room-match.ts'
import { deliverPass, sessionCommands } from './session-commands.ts'
import { urlOrigin, type Origin } from './url-origin.ts'

/** What is known of one request; steps replace it, nothing changes it in place. */
interface Visit {
  readonly facts: GateFacts
  /** What the abuse limits count by. */
  readonly address: string | undefined
  readonly pass: Presented<AdmissionClaims>
  readonly place: QueueClaims | undefined
  readonly document: SnapshotDocument | undefined
  /** A session has ended: cookies to clear on whatever is answered. */
  readonly cleared: readonly string[]
}

export async function passGate(c: Context<EdgeEnv>): Promise<Response> {
  const { isolate, trace } = c.var
  const request = c.req.raw
  const failed = failureOf(request)
  if (failed !== undefined) {
    c.set('trace', failed.trace)
    throw failed.error
  }
  const matched = matchRoom(isolate.config.rooms.values(), new URL(request.url))
  const forwarding = { origin: originOf(matched, c.env), trace, cookieNames: isolate.cookieNames }
  const queue = matched === undefined ? undefined : isolate.queues.get(matched.id)
  if (queue === undefined) return forward(request, forwarding)
  const work: Work = { isolate, nowMs: Date.now(), waitUntil: (promise) => c.executionCtx.waitUntil(promise) }
  let visit = await firstLook(request, queue.room, work)
  for (;;) {
    const decision = decide(visit.facts)
    switch (decision.action) {
      case 'forward': {
        const { pass } = visit
        if (pass.status !== 'valid') return forward(request, forwarding)
        return forward(request, {
          ...forwarding,
          // Past the gate an old pass opens nothing, but tells whose session a completed order was.
          token: visit.facts.pass === 'alive' || visit.facts.bypassed ? pass.token : undefined,
          session: sessionCommands(queue, pass, work),
        })
      }
      case 'hold':
        return hold(request, queue, { ...visit, ...decision })
      case 'look':
        visit = await lookUp(request, queue, visit, work)
        break
      case 'renew':
      case 'admit':
      case 'claim':
      case 'enter': {
        const outcome = await admit(decision.action, queue, visit, work)
        if ('facts' in outcome) {
          visit = outcome
          break
        }
        const by = visit.pass.status === 'valid' ? visit.pass.by : 'cookie'
        return forward(request, {
          ...forwarding,
          token: outcome.token,
          session: sessionCommands(queue, { claims: outcome.claims, by }, work),
          delivery: deliverPass(outcome, by, work),
        })
      }
    }
  }
}

export const originOf = (room: Room | undefined, { ORIGIN }: EdgeBindings): Origin =>
  room === undefined || room.origin === SERVICE_BINDING ? ORIGIN : urlOrigin(room.origin)

/** What the request itself tells: no snapshot and no Redis, so that an admitted visitor waits for neither. */
async function firstLook(request: Request, room: Room, work: Work): Promise<Visit> {
  const bypassed = isBypassed(room, request)
  const pass = await presentedPass(request, { ...work, room }, { allowExpired: true })
  const due = pass.status === 'valid' && isRenewalDue(pass.claims, room, work.nowMs)
  const alive = pass.status === 'valid' && pass.claims.expiresAtMs > work.nowMs
  const life = pass.status !== 'valid' ? 'none' : bypassed && alive ? 'alive' : due ? 'renewable' : 'alive'
  const facts = { kind: requestKind(request), bypassed, pass: life, queue: undefined } as const
  const address = addressOf(request)
  return { facts, address, pass, place: undefined, document: undefined, cleared: [] }
}

async function lookUp(request: Request, queue: RoomQueue, visit: Visit, work: Work): Promise<Visit> {
  const { room } = queue
  const document = await queue.snapshot.get(work.waitUntil).catch((error: unknown) => {
    if (error instanceof StoreUnavailable) return undefined
    throw error
  })
  // With an ended session goes the place that led to it.
  const token = visit.cleared.length > 0 ? undefined : await presentedQueueToken(request, { ...work, room })
  const place = token?.status === 'valid' ? token.claims : undefined
  const facts = queueFacts(room, { document, place, failing: queue.snapshot.failing })
  return { ...visit, document, place, facts: { ...visit.facts, queue: facts } }
}

interface Known {
  readonly document: SnapshotDocument | undefined
  readonly place: QueueClaims | undefined
  /** Whether the last refresh of the snapshot failed. */
  readonly failing: boolean
}

function queueFacts(room: Room, { document, place, failing }: Known): QueueFacts {
  const { live, quiet = false, snapshot } = document ?? {}
  const queueAll = room.queue_all || live?.queue_all === true
  const called = place !== undefined && snapshot !== undefined && positionFrom(place, snapshot).called
  return {
    open: openness(room, { suspended: room.suspended || live?.suspended === true, failing }),
    place: place === undefined ? 'none' : called ? 'called' : 'waiting',
    quiet: quiet && !failing && !queueAll,
    refuses: refusalOf(room, snapshot?.state),
    storeDown: document === undefined,
  }
}

function openness(
  room: Room,
  { suspended, failing }: { suspended: boolean; failing: boolean },
): QueueFacts['open'] {
  if (suspended) return 'suspended'
  if (room.queueing_method === 'passthrough') return 'passthrough'
  // `queue_all` set by a deployment holds everyone even then: the stronger of the two break-glass settings.
  return failing && room.on_store_failure === 'open' && !room.queue_all ? 'store_failure' : false
}

function refusalOf(room: Room, state: RoomState | undefined): QueueFacts['refuses'] {
  if (room.queueing_method === 'reject') return 'reject'
  return state === 'closed' || state === 'sold_out' || state === 'idle' ? state : false
}

/** Carries out one way in: a pass to forward with, or the visit as it stands after Redis said no. */
async function admit(
  action: 'renew' | 'admit' | 'claim' | 'enter',
  queue: RoomQueue,
  visit: Visit,
  work: Work,
): Promise<Pass | Visit> {
  try {
    switch (action) {
      case 'admit': {
        // Past the abuse limit one goes through as well, but without a pass: nobody hoards them for when the room is back.
        const { allowed } = await work.isolate.joinLimit.check(visit.address, work.nowMs)
        return allowed
          ? await openPass(queue.room, work)
          : { ...visit, facts: { ...visit.facts, bypassed: true } }
      }
      case 'enter': {
        // Past the abuse limit one is not refused but waits like everyone: others may share the address.
        const { allowed } = await work.isolate.joinLimit.check(visit.address, work.nowMs)
        const entered = allowed ? await enterPass(queue, work) : undefined
        return entered ?? withQueue(visit, { quiet: false })
      }
      case 'renew': {
        const renewed =
          visit.pass.status === 'valid' ? await renewPass(queue, visit.pass.claims, work) : undefined
        return renewed ?? asNewcomer(visit, queue, work)
      }
      case 'claim': {
        if (visit.place === undefined) return withQueue(visit, { place: 'none' })
        const claimed = await claimPass(queue, visit.place, work)
        if (claimed.status === 'admitted') return claimed.pass
        // An ended session's place leads nowhere; one that Redis does not know or that was missed is the page's to join again.
        return claimed.status === 'ended'
          ? asNewcomer(visit, queue, work)
          : withQueue(visit, { place: 'waiting' })
      }
    }
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    const open = openness(queue.room, { suspended: false, failing: true })
    return withQueue({ ...visit, facts: { ...visit.facts, pass: 'none' } }, { storeDown: true, open })
  }
}

const NOTHING: QueueFacts = { open: false, place: 'none', quiet: false, refuses: false, storeDown: false }

const withQueue = (visit: Visit, changes: Partial<QueueFacts>): Visit => ({
  ...visit,
  facts: { ...visit.facts, queue: { ...NOTHING, ...visit.facts.queue, ...changes } },
})

/** Nothing that the visitor holds counts any more: the cookies are cleared, and the queue begins anew. */
function asNewcomer(visit: Visit, queue: RoomQueue, { isolate }: Work): Visit {
  const { facts } = visit
  return {
    ...visit,
    facts: {
      ...facts,
      pass: 'none',
      queue: facts.queue && { ...facts.queue, place: 'none' },
    },
    place: undefined,
    cleared: clearedCookies(queue.room, isolate.config.cookies),
  }
}
