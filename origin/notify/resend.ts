// Emails by Resend (https://resend.com/docs/api-reference/emails/send-email), or by whatever speaks its API at
// NOTIFIER_API_URL. Its Idempotency-Key is good for 24 hours: a repeat within them sends nothing. Retries nothing itself.

import { z } from 'zod'
import { secondsToMs } from '../../src/time.ts'
import { MessageRefused, NotifierUnavailable, type Notifier } from './notifier.ts'

const TIMEOUT_MS = 10_000
const ANSWER_SHOWN = 200

/** `name` says what is wrong where a status alone does not; other providers may leave it out. */
const problem = z.object({ name: z.string().default(''), message: z.string().default('') })

/** About the account or the moment, not the message: a key that is wrong is put right without touching any message. */
const NOT_THE_MESSAGE = new Set([401, 403, 408, 425, 429])

export function createResendNotifier({
  apiUrl,
  apiKey,
  from,
  timeoutMs = TIMEOUT_MS,
}: {
  readonly apiUrl: string
  readonly apiKey: string
  readonly from: string
  readonly timeoutMs?: number
}): Notifier {
  return {
    async tell({ key, to, subject, text, html }) {
      const answer = await post(`${apiUrl}/emails`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify({ from, to: [to], subject, text, html }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (answer.ok) return
      const { name, message } = answer.problem
      // The same key with other words: it was sent before, and the wording has changed since.
      if (answer.status === 409 && name === 'invalid_idempotent_request') return
      const what = `${answer.status} ${name} ${withoutAddresses(message)}`.trim().slice(0, ANSWER_SHOWN)
      // 409 is otherwise the same message being sent at this moment.
      const later = answer.status >= 500 || answer.status === 409 || NOT_THE_MESSAGE.has(answer.status)
      if (!later) throw new MessageRefused(what)
      throw new NotifierUnavailable(what, { retryAfterMs: answer.retryAfterMs })
    },
  }
}

interface Answer {
  readonly ok: boolean
  readonly status: number
  readonly retryAfterMs: number | undefined
  readonly problem: z.infer<typeof problem>
}

/** Throws `NotifierUnavailable` where there is no answer: the message may have been sent all the same. */
async function post(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, init)
    const text = await response.text()
    const parsed = response.ok ? undefined : problem.safeParse(jsonOf(text))
    return {
      ok: response.ok,
      status: response.status,
      retryAfterMs: retryAfter(response.headers),
      problem: parsed?.success ? parsed.data : { name: '', message: '' },
    }
  } catch (error) {
    throw new NotifierUnavailable(error instanceof Error ? `no answer: ${error.name}` : 'no answer')
  }
}

/** Of the two forms of the header only the seconds, which is what rate limits answer. */
function retryAfter(headers: Headers): number | undefined {
  const seconds = /^\d{1,6}$/.exec(headers.get('retry-after') ?? '')?.[0]
  return seconds === undefined ? undefined : secondsToMs(Number(seconds))
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reasons are shown to operators and written to the log. */
const withoutAddresses = (text: string): string => text.replaceAll(/\S+@\S+/g, '(address)')
