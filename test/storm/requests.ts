// Requests of a storm's buyers: each is repeated with the same key where nobody answered or the answer asks for it, and every
// answer is noted. What is neither a success nor a refusal that is right is kept with its words.
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** Longer than a claimed Idempotency-Key stays locked after the reply to its claim was lost (30 s). */
const PATIENCE_MS = 45_000
const AGAIN_MS = 100
const AGAIN_MOST_MS = 2_000

export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly location: string | null
  /** 0 where the answer does not say. */
  readonly retryAfterMs: number
}

/** Codes of answers after which a client tries again; `none` where nobody answered. */
const AGAIN = new Set([
  'idempotency_in_progress',
  'store_unavailable',
  'database_unavailable',
  'payment_provider_unavailable',
  'busy',
  'none',
])

function codeOf({ body }: Answer): string | undefined {
  return typeof body['code'] === 'string' ? body['code'] : undefined
}

export class Requests {
  readonly #answers = new Map<string, number>()
  readonly #durations: number[] = []
  /** Answers that no buyer should ever get. */
  readonly faults: string[] = []
  readonly #lost: () => boolean
  readonly #patient: boolean

  /**
   * `lostAnswers`: the share that is lost between us and the buyer, after all was done. `patient`: as the documents ask of
   * clients, nobody tries again before Retry-After, nor at the same moment as others; for crowds.
   */
  constructor({
    random,
    lostAnswers,
    patient = false,
  }: {
    random: () => number
    lostAnswers: number
    patient?: boolean
  }) {
    this.#lost = () => random() < lostAnswers
    this.#patient = patient
  }

  /** Repeats until there is an answer other than "try again"; `right` are the refusals that a buyer may meet here. */
  async send(
    what: string,
    url: string,
    {
      method = 'POST',
      headers = {},
      body,
      right = [],
    }: {
      method?: string
      headers?: Record<string, string>
      /** JSON, or a form. */
      body?: object | URLSearchParams
      /** Problem codes, or statuses where there are none; a success is always right. */
      right?: readonly (string | number)[]
    },
  ): Promise<Answer> {
    const untilMs = Date.now() + PATIENCE_MS
    for (let waitMs = AGAIN_MS; ; waitMs = Math.min(waitMs * 2, AGAIN_MOST_MS)) {
      const answer = await this.#once(what, url, { method, headers, ...(body && { body }) })
      const code = codeOf(answer) ?? 'none'
      const refused = right.includes(answer.status) || right.includes(code)
      const again = !refused && (answer.status === 0 || (answer.status >= 400 && AGAIN.has(code)))
      if (again && Date.now() < untilMs) {
        await delay(this.#patient ? Math.max(waitMs, answer.retryAfterMs) * (1 + Math.random()) : waitMs)
        continue
      }
      if (again || (answer.status >= 400 && !refused)) {
        this.faults.push(`${what}: ${answer.status} ${JSON.stringify(answer.body)}`)
      }
      return answer
    }
  }

  get count(): number {
    return this.#durations.length
  }

  /** Answers by what was asked and what came, for people. */
  summary(): string {
    const sorted = this.#durations.toSorted((a, b) => a - b)
    const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)
    const answers = [...this.#answers]
      .map(([name, count]) => `${name} ${count}`)
      .toSorted((a, b) => a.localeCompare(b))
    return `${sorted.length} requests, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms; ${answers.join(', ')}`
  }

  async #once(
    what: string,
    url: string,
    asked: { method: string; headers: Record<string, string>; body?: object | URLSearchParams },
  ): Promise<Answer> {
    const startedMs = performance.now()
    try {
      const answer = await call(url, asked)
      if (this.#lost()) throw new Error('lost on the way to the buyer')
      this.#note(
        `${what} ${answer.status}${answer.status >= 400 ? ` ${codeOf(answer) ?? ''}` : ''}`,
        startedMs,
      )
      return answer
    } catch {
      this.#note(`${what} unanswered`, startedMs)
      return { status: 0, body: {}, location: null, retryAfterMs: 0 }
    }
  }

  #note(name: string, startedMs: number): void {
    this.#durations.push(performance.now() - startedMs)
    this.#answers.set(name, (this.#answers.get(name) ?? 0) + 1)
  }
}

const agent = new Agent({ keepAlive: true })

/** Over node:http, since `fetch` costs a crowd in one process four times as much. */
async function call(
  url: string,
  {
    method,
    headers,
    body,
  }: { method: string; headers: Record<string, string>; body?: object | URLSearchParams },
): Promise<Answer> {
  const form = body instanceof URLSearchParams
  const text = body === undefined ? undefined : form ? body.toString() : JSON.stringify(body)
  const sent = request(url, {
    agent,
    method,
    headers: {
      accept: 'application/json',
      ...(text !== undefined && {
        'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
        'content-length': Buffer.byteLength(text),
      }),
      ...headers,
    },
  })
  sent.end(text)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let answer = ''
  for await (const chunk of response.setEncoding('utf8')) answer += String(chunk)
  const json = response.headers['content-type']?.includes('json') ?? false
  return {
    status: response.statusCode ?? 0,
    body: (json ? JSON.parse(answer) : {}) as Answer['body'],
    location: response.headers.location ?? null,
    retryAfterMs: Number(response.headers['retry-after'] ?? 0) * 1_000,
  }
}
