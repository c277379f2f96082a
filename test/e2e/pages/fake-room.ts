// Rooms for looking at the queue page, one for each state it can show; used by preview.ts and the page's browser tests.
// Answers in the shapes of the edge; it queues nobody and is never shipped.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { policy, renderQueuePage } from '../../../edge/queue-html.ts'
import { pageSettings } from '../../../src/config/page.ts'

export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** 2026-12-01T19:00:00Z as a place (µs); every fake visitor stands here. */
const PLACE = Date.UTC(2026, 11, 1, 19) * 1_000
const TITLE = 'Winter Lights: the evening'
const AT = PLACE / 1_000 + 60_000
export const VISITOR = '7QkTz2mXwPb4aB9cD1eF3gHk'
const NONCE = 'cGFnZXMtb2YtYS10ZXN0LTE2'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const SECRET = sha256('the secret of a fake draw')
const BEACON = sha256('the randomness of a fake beacon')

/** A draw to come: its commitment, the chain so far, and the round of the beacon. */
export const DRAW = {
  commitment: sha256(SECRET),
  head: sha256('the entries of a fake draw'),
  entries: 12_090,
  header: 'foyer-draw-1 room=fake',
  round: 4_711_204 as number | null,
  beacon: null as string | null,
  secret: null as string | null,
  complete: false,
}
export const DONE = { ...DRAW, beacon: BEACON, secret: SECRET, complete: true }
/** First 50 bits of the draw value, and one. */
export const DRAWN_PLACE =
  Number(BigInt(`0x${sha256(`${VISITOR}|${SECRET}|${DRAW.head}|${BEACON}`)}`) >> 206n) + 1
const ENTRY = { number: 4_812, entries: 4_812, head: sha256('the entries when this one came') }

interface Scene {
  readonly ahead: number
  readonly calledSince: number
  readonly perMinute?: number
  readonly state?: string
  readonly message?: string
  /** Answer of `claim`, where the visitor is called. */
  readonly claim?: Reply
  /** Answer of `join` in place of a place. */
  readonly join?: Reply
  /** From the second look on, the snapshot cannot be had. */
  readonly failing?: boolean
  /** In the answer of `join`, besides what every place has. */
  readonly held?: object
  /** In the snapshot, besides what every room has. */
  readonly now?: object
  /** Settings of the room's page. */
  readonly page?: object
  /** Why the gate holds, in the page as it is first sent. */
  readonly first?: string
  /** The visitor comes with a pass that has ended. */
  readonly ended?: boolean
}

const problem = (status: number, code: string): Reply => ({ status, body: { status, code, title: code } })
const MESSAGE = 'Doors open at 18:30. Everyone in line before 20:00 will be let in tonight.'

export const SCENES: Readonly<Record<string, Scene>> = {
  waiting: { ahead: 312, calledSince: 99, perMinute: 92, message: MESSAGE },
  far: { ahead: 14_902, calledSince: 2_423, perMinute: 240 },
  near: { ahead: 312, calledSince: 310, perMinute: 92 },
  unknown: { ahead: 47, calledSince: 0 },
  paused: {
    ahead: 312,
    calledSince: 180,
    perMinute: 92,
    state: 'paused',
    message: 'A short pause: back at 19:40.',
  },
  suspended: { ahead: 312, calledSince: 180, perMinute: 92, state: 'suspended' },
  recovering: { ahead: 312, calledSince: 180, perMinute: 92, state: 'recovering' },
  entering: {
    ahead: 312,
    calledSince: 320,
    claim: { status: 200, body: { admissionToken: 'x', expiresAt: '' } },
  },
  missed: { ahead: 312, calledSince: 320, claim: problem(410, 'call_missed') },
  'sold-out': { ahead: 0, calledSince: 0, join: problem(503, 'sold_out') },
  closed: {
    ahead: 0,
    calledSince: 0,
    join: problem(503, 'room_closed'),
    message: 'We open on Friday at 10:00.',
  },
  ended: { ahead: 0, calledSince: 0, first: 'closed', now: { state: 'closed', endsAt: AT - 600_000 } },
  idle: {
    ahead: 0,
    calledSince: 0,
    first: 'idle',
    now: { state: 'idle', prequeueAt: AT + 754_000, startsAt: AT + 90_000_000 },
  },
  prequeue: { ahead: 312, calledSince: 0, state: 'prequeue', now: { startsAt: AT + 754_000 } },
  entered: {
    ahead: 0,
    calledSince: 0,
    state: 'prequeue',
    held: { entry: ENTRY, position: null },
    now: { startsAt: AT + 754_000, draw: DRAW },
  },
  'entered-no-beacon': {
    ahead: 0,
    calledSince: 0,
    state: 'prequeue',
    held: { entry: ENTRY, position: null },
    now: { startsAt: AT + 754_000, draw: { ...DRAW, round: null } },
  },
  drawing: {
    ahead: 0,
    calledSince: 0,
    state: 'drawing',
    held: { entry: ENTRY, position: null },
    now: { startsAt: AT - 12_000, draw: DRAW },
  },
  drawn: {
    ahead: 2_310,
    calledSince: 0,
    perMinute: 150,
    held: { place: DRAWN_PLACE },
    now: { draw: DONE, serving: 0 },
  },
  'drawn-differs': {
    ahead: 2_310,
    calledSince: 0,
    perMinute: 150,
    held: { place: DRAWN_PLACE + 1 },
    now: { draw: { ...DONE, round: null }, serving: 0 },
  },
  'sold-out-kept': { ahead: 312, calledSince: 180, state: 'sold_out' },
  'own-light': {
    ahead: 312,
    calledSince: 99,
    perMinute: 92,
    page: {
      background: '#ffffff',
      accent: '#b3123f',
      logo: '/.waiting-room/icon.svg',
      texts: { en: { note: 'Doors at 18:30. Bring your booking name, nothing else.' } },
    },
  },
  'own-blue': {
    ahead: 312,
    calledSince: 180,
    perMinute: 92,
    state: 'paused',
    page: { background: '#0b2a6b', accent: '#7fe0c3', text_colour: '#ffffff' },
  },
  'visit-over': { ahead: 312, calledSince: 99, perMinute: 92, ended: true },
  late: { ahead: 312, calledSince: 320, perMinute: 92, now: { front: [PLACE], waiting: 900 } },
  old: { ahead: 312, calledSince: 99, perMinute: 92, now: { degraded: true, at: Date.now() - 130_000 } },
  'idle-lottery': {
    ahead: 0,
    calledSince: 0,
    first: 'idle',
    now: {
      state: 'idle',
      prequeueAt: AT + 754_000,
      startsAt: AT + 90_000_000,
      draw: { ...DRAW, entries: 0 },
    },
  },
  trouble: { ahead: 312, calledSince: 99, perMinute: 92, failing: true },
}

/** Answers one call of the page; `looks` counts the snapshots asked for in this scene. */
export function answerScene(name: string, call: string, looks: number): Reply {
  const scene = SCENES[name]
  if (scene === undefined) return problem(404, 'room_unknown')
  const called = scene.calledSince > scene.ahead
  const counters = { ahead: scene.ahead, calledTotal: 1_000, leftTotal: 0, epoch: 1 }
  if (call === 'join') {
    if (scene.join !== undefined) return scene.join
    return {
      status: 201,
      body: { room: name, visitor: VISITOR, state: 'waiting', place: PLACE, ...counters, ...scene.held },
    }
  }
  if (call === 'now') {
    if (scene.failing === true && looks > 1) return problem(503, 'store_unavailable')
    return { status: 200, body: snapshotOf(name, scene, called) }
  }
  if (call === 'claim') return scene.claim ?? { status: 202, body: {} }
  return { status: 204, body: undefined }
}

function snapshotOf(room: string, scene: Scene, called: boolean): unknown {
  return {
    room,
    sale: 'default',
    epoch: 1,
    at: AT,
    state: scene.state ?? 'open',
    serving: called ? PLACE : PLACE - 1_000_000,
    waiting: scene.ahead + 900,
    called: 0,
    sessions: 300,
    calledTotal: 1_000 + scene.calledSince,
    leftTotal: 0,
    departures: [],
    ratePerMinute: scene.perMinute ?? 0,
    free: 0,
    admittedPerMinute: scene.perMinute ?? 0,
    front: [],
    stock: null,
    prequeueAt: null,
    startsAt: null,
    endsAt: null,
    draw: null,
    message: scene.message ?? '',
    pollAfterMs: 5_000,
    degraded: false,
    ...scene.now,
  }
}

/** The queue page of a scene, filled in as the Worker does it, and the policy that goes with it. */
export async function queuePage(
  name: string,
  acceptLanguage: string | undefined,
): Promise<{ html: string; policy: string }> {
  const template = await readFile('edge/page/queue.html', 'utf8')
  const scene = SCENES[name]
  const settings = pageSettings.parse(scene?.page ?? {})
  const html = renderQueuePage(
    {
      room: name,
      base: `/.waiting-room/${name}`,
      title: TITLE,
      message: scene?.message ?? '',
      returnTo: `/q/${name}`,
      state: scene?.first ?? 'open',
      queue: null,
      claimWindowSeconds: 30,
      lateGraceSeconds: 600,
      settings,
      acceptLanguage: acceptLanguage ?? null,
      times: { at: AT, ...scene?.now },
      ended: scene?.ended ?? false,
    },
    template,
    NONCE,
  )
  return { html, policy: policy(settings, NONCE) }
}
