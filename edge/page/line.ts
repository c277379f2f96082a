// The four calls that a waiting page makes: join, now, claim, leave. Each answers with a union and never throws:
// to a visitor, a broken network and a broken server are the same thing, a reason to try again later.

import { fieldsOf, type Held, readHeld, readSnapshot, type Snapshot, textOf } from './room-data.ts'

/** `afterMs`: what the server asked to wait (`Retry-After`), if it did. */
export type Failed = { readonly is: 'failed'; readonly afterMs: number | undefined }
type Over = { readonly is: 'missed' | 'sold_out' | 'closed' }

export type Joined = { readonly is: 'joined'; readonly held: Held } | Over | Failed
export type Looked = { readonly is: 'seen'; readonly snapshot: Snapshot } | Failed
export type Claimed = { readonly is: 'admitted' | 'waiting' | 'unknown' } | Over | Failed
export type Left = { readonly is: 'left' } | Failed

export interface Line {
  join(key: string): Promise<Joined>
  now(): Promise<Looked>
  claim(): Promise<Claimed>
  leave(): Promise<Left>
}

/** No answer within this time counts as none; a lost `join` is repeated under the same key. */
const TIMEOUT_MS = 10_000

type Reply = { readonly status: number; readonly body: unknown; readonly afterMs: number | undefined }

export function openLine(base: string): Line {
  async function call(method: string, path: string, headers: Record<string, string> = {}): Promise<Reply> {
    try {
      const response = await fetch(`${base}/${path}`, {
        method,
        headers: { accept: 'application/json', ...headers },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json') === true
      return {
        status: response.status,
        body: isJson && text !== '' ? JSON.parse(text) : undefined,
        afterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
      }
    } catch {
      // Offline, timed out, cut short: status 0 stands for "no answer" and is retried like a 503.
      return { status: 0, body: undefined, afterMs: undefined }
    }
  }
  const post = (path: string, headers: Record<string, string> = {}): Promise<Reply> =>
    call('POST', path, headers)

  return {
    async join(key) {
      const reply = await post('join', { 'idempotency-key': key })
      const held = reply.status === 201 || reply.status === 200 ? readHeld(reply.body) : undefined
      return held === undefined ? (overFrom(reply) ?? failedFrom(reply)) : { is: 'joined', held }
    },
    async now() {
      const reply = await call('GET', 'now')
      const snapshot = reply.status === 200 ? readSnapshot(reply.body) : undefined
      return snapshot === undefined ? failedFrom(reply) : { is: 'seen', snapshot }
    },
    async claim() {
      const reply = await post('claim')
      if (reply.status === 200) return { is: 'admitted' }
      if (reply.status === 202) return { is: 'waiting' }
      if (reply.status === 401 || reply.status === 404) return { is: 'unknown' }
      return overFrom(reply) ?? failedFrom(reply)
    },
    async leave() {
      const reply = await post('leave')
      // Whoever is no longer known here has left as well.
      const gone = reply.status === 204 || reply.status === 401 || reply.status === 404
      return gone ? { is: 'left' } : failedFrom(reply)
    },
  }
}

function overFrom({ status, body }: Reply): Over | undefined {
  const code = textOf(fieldsOf(body)['code'])
  if (status === 410 || code === 'call_missed') return { is: 'missed' }
  if (code === 'sold_out') return { is: 'sold_out' }
  if (code === 'room_closed') return { is: 'closed' }
  return undefined
}

const failedFrom = ({ afterMs }: Reply): Failed => ({ is: 'failed', afterMs })
