// Rooms for looking at the queue page, one for each state it can show; used by preview.ts and the page's browser tests.
// Answers in the shapes of the edge; it queues nobody and is never shipped.

import { readFile } from 'node:fs/promises'

export interface Reply {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** 2026-12-01T19:00:00Z as a place (µs); every fake visitor stands here. */
const PLACE = Date.UTC(2026, 11, 1, 19) * 1_000
const TITLE = 'Winter Lights: the evening'

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
      body: { room: name, visitor: '7QkTz2mXwPb4', state: 'waiting', place: PLACE, ...counters },
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
    at: PLACE / 1_000 + 60_000,
    state: scene.state ?? 'open',
    serving: called ? PLACE : PLACE - 1_000_000,
    waiting: scene.ahead + 900,
    called: 0,
    sessions: 300,
    calledTotal: 1_000 + scene.calledSince,
    leftTotal: 0,
    admittedPerMinute: scene.perMinute ?? 0,
    front: [],
    stock: null,
    message: scene.message ?? '',
    pollAfterMs: 5_000,
    degraded: false,
  }
}

/** The queue page of a scene, filled in as the Worker does it. */
export async function queuePage(name: string): Promise<string> {
  const html = await readFile('edge/page/queue.html', 'utf8')
  const message = SCENES[name]?.message ?? ''
  const data = {
    room: name,
    base: `/.waiting-room/${name}`,
    title: TITLE,
    message,
    returnTo: `/q/${name}`,
    state: 'open',
    queue: null,
  }
  const form = `<p>You are number <strong>214</strong> in line. About 2 to 3 minutes.</p>
    <form method="post" action="/.waiting-room/${name}/join"><button>Look again</button></form>`
  const values: Record<string, string> = {
    lang: 'en',
    title: TITLE,
    room: name,
    message,
    noscript: form,
    data: JSON.stringify(data).replaceAll('<', '\\u003c'),
  }
  return html.replaceAll(/\{\{(\w+)\}\}/g, (_, key: string) => values[key] ?? '')
}
