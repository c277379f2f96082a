// Idempotency keys as Stripe treats them: the first reply is kept for a day and replayed to the same request; another
// request with the key is an error; a key whose request still runs is a conflict. Called by the REST API for POST.

import { createHash } from 'node:crypto'
import { ApiError, ParameterError } from './api-error.ts'
import type { Ledger, StoredReply } from './ledger.ts'

const KEPT_MS = 24 * 3_600_000
const LONGEST_KEY = 255

export interface Reply {
  readonly requestId: string
  readonly status: number
  readonly body: string
  /** False if the request was refused before anything was changed: such a reply is not kept. */
  readonly executed: boolean
}

export interface KeyedRequest {
  readonly key: string
  /** Method and path. */
  readonly endpoint: string
  readonly rawBody: string
}

export class Idempotency {
  readonly #ledger: Ledger
  readonly #now: () => number
  readonly #running = new Set<string>()

  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger
    this.#now = now
  }

  /** Runs the request, or gives its stored reply as `replay`. Throws an ApiError on a conflict. */
  async run(
    { key, endpoint, rawBody }: KeyedRequest,
    execute: () => Promise<Reply>,
  ): Promise<{ readonly replay: StoredReply } | { readonly fresh: Reply }> {
    if (key.length > LONGEST_KEY)
      throw new ParameterError(undefined, `Idempotency keys are at most ${LONGEST_KEY} characters long.`)
    if (this.#running.has(key)) {
      throw new ApiError(409, {
        type: 'idempotency_error',
        code: 'idempotency_key_in_use',
        message: `There is currently another in-progress request using this idempotency key: ${key}. Please try again later.`,
      })
    }
    const fingerprint = fingerprintOf(rawBody)
    const stored = this.#ledger.replies.get(key)
    if (stored !== undefined && stored.createdMs > this.#now() - KEPT_MS) {
      refuseOtherRequest(stored, endpoint, fingerprint)
      return { replay: stored }
    }
    this.#running.add(key)
    try {
      const fresh = await execute()
      if (fresh.executed) {
        const { requestId, status, body } = fresh
        const createdMs = this.#now()
        this.#ledger.replies.put({ id: key, createdMs, fingerprint, endpoint, requestId, status, body })
      }
      return { fresh }
    } finally {
      this.#running.delete(key)
    }
  }
}

/** The order of parameters makes no difference. */
function fingerprintOf(rawBody: string): string {
  const pairs = [...new URLSearchParams(rawBody)].map((pair) => JSON.stringify(pair))
  return createHash('sha256').update(pairs.toSorted().join()).digest('base64url')
}

function refuseOtherRequest(stored: StoredReply, endpoint: string, fingerprint: string): void {
  const must =
    stored.endpoint !== endpoint
      ? `for the same endpoint they were first used for ('${stored.endpoint}')`
      : 'with the same parameters they were first used with'
  if (stored.endpoint === endpoint && stored.fingerprint === fingerprint) return
  throw new ApiError(400, {
    type: 'idempotency_error',
    message: `Keys for idempotent requests can only be used ${must}. Try using a key other than '${stored.id}' if you meant to execute a different request.`,
  })
}
