// One call of the origin's API: JSON in, JSON or a problem out. Never throws for what a server or a network can do.
// Where the admission has ended it says so once to the whole page, since only the waiting room can help then.

import { type Fields, fieldsOf, textOf } from './fields.ts'

export type Answer =
  /** `sentAtMs` by the server's clock, to the second. */
  | { readonly ok: true; readonly status: number; readonly body: Fields; readonly sentAtMs: number }
  /** `status` 0: no answer at all. `code` is the problem's stable code, where there is one. */
  | { readonly ok: false; readonly status: number; readonly code: string; readonly body: Fields }

const TIMEOUT_MS = 15_000

export async function call(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, key }: { readonly body?: unknown; readonly key?: string } = {},
): Promise<Answer> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(method === 'POST' && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    const fields = fieldsOf(isJson && text !== '' ? JSON.parse(text) : {})
    if (response.ok) {
      const sentAtMs = Date.parse(response.headers.get('date') ?? '') || Date.now()
      return { ok: true, status: response.status, body: fields, sentAtMs }
    }
    const code = textOf(fields['code'])
    if (code === 'admission_required' || code === 'waiting_room') {
      document.dispatchEvent(new CustomEvent('admission-ended'))
    }
    return { ok: false, status: response.status, code, body: fields }
  } catch {
    // Offline, timed out or cut short; the caller says what that means for the visitor.
    return { ok: false, status: 0, code: 'no_answer', body: {} }
  }
}
