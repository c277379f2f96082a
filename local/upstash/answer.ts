// One command request → one HTTP answer: refusals, execution, and the faults that a test ordered. Used by gateway.ts.
// Redis's own errors are answers; only a Redis that cannot be asked throws (`StoreUnavailable`).

import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '../faults.ts'
import { refusal } from './refusal.ts'
import { encodeError, encodeOutcome } from './reply.ts'
import type { CommandRequest } from './request.ts'
import type { Store } from './store.ts'

export interface Answer {
  readonly status: number
  /** JSON. */
  readonly body: string
}

export interface AnswerOptions {
  /** Whether the client asked for `Upstash-Encoding: base64`. */
  readonly base64: boolean
  readonly fault: Fault | undefined
}

/** `hang up` stands for closing the connection without an answer. */
export async function answerRequest(
  store: Store,
  request: CommandRequest,
  { base64, fault }: AnswerOptions,
): Promise<Answer | 'hang up'> {
  const run = () => execute(store, request, base64)
  if (fault === undefined) return run()
  if (fault.kind === 'status') {
    return { status: fault.status, body: fault.body ?? encodeError(`ERR HTTP status ${fault.status}`) }
  }
  if (fault.kind === 'error-body') return errorBody(request, fault)
  if (fault.kind === 'delay' && fault.when !== 'after') await sleep(fault.ms)
  const answer = await run()
  if (fault.kind === 'delay' && fault.when === 'after') await sleep(fault.ms)
  if (fault.kind === 'duplicate') await run()
  return fault.kind === 'drop-reply' ? 'hang up' : answer
}

async function execute(store: Store, { route, commands }: CommandRequest, base64: boolean): Promise<Answer> {
  const refusals = commands.map(refusal)
  if (route === 'pipeline') {
    const allowed = commands.filter((_, at) => refusals[at] === undefined)
    const replies = (allowed.length > 0 ? await store.run(allowed) : []).values()
    const outcomes = refusals.map((refused) =>
      refused === undefined ? encodeOutcome(replies.next().value, base64) : encodeError(refused),
    )
    return { status: 200, body: `[${outcomes.join(',')}]` }
  }
  const refused = refusals.find((text) => text !== undefined)
  if (refused !== undefined) return badRequest(refused)
  if (route === 'multi-exec') {
    const replies = await store.transaction(commands)
    if (replies instanceof Error) return badRequest(replies.message)
    return { status: 200, body: `[${replies.map((reply) => encodeOutcome(reply, base64)).join(',')}]` }
  }
  const [reply] = await store.run(commands)
  return { status: reply instanceof Error ? 400 : 200, body: encodeOutcome(reply, base64) }
}

/** A pipeline answers 200 with the error in each command's place, unless the test wants it refused as a whole. */
function errorBody(
  { route, commands }: CommandRequest,
  fault: Extract<Fault, { kind: 'error-body' }>,
): Answer {
  const body = JSON.stringify(fault.body)
  if (route === 'pipeline' && fault.status === undefined) {
    return { status: 200, body: `[${commands.map(() => body).join(',')}]` }
  }
  return { status: fault.status ?? 400, body }
}

export function badRequest(message: string): Answer {
  return { status: 400, body: encodeError(message) }
}
