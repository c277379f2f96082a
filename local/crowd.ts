// The simulated crowd of `npm start`: keeps about 300 people in the demo room's line through the public HTTP API alone,
// so that a visitor sees a queue that moves. Those who are called enter, look around and leave; a few never come.
import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

const WAITING = 300
const STEP_MS = 1_000
/** How long a visit lasts at least; at most twice as long. */
const VISIT_MS = 30_000
/** One in so many called people does not come. */
const NO_SHOW_ONE_IN = 20
/** Joins at once while the line is built up: a start should not look like an attack. */
const JOINS_AT_ONCE = 25

interface Person {
  readonly place: number
  readonly queueToken: string
  readonly address: string
}

/** Resolves when the line stands; then goes on by itself until stopped. */
export async function startCrowd(url: string, room = 'demo'): Promise<{ stop(): void }> {
  const base = `${url}/.waiting-room/${room}`
  // The snapshot is a second or two old: what joined since the last look is counted here.
  let joinedSince = 0
  let lookedAt = 0
  const ending = new AbortController()
  let people: Person[] = []

  const post = (path: string, address: string, headers: Record<string, string>) =>
    fetch(`${base}/${path}`, {
      method: 'POST',
      // The platform sets this header itself; locally it gives each simulated person an address (RFC 2544 range).
      headers: { 'cf-connecting-ip': address, 'content-type': 'application/json', ...headers },
      body: '{}',
      signal: ending.signal,
    })

  const join = async () => {
    const address = `198.${18 + randomInt(2)}.${randomInt(256)}.${randomInt(256)}`
    const response = await post('join', address, { 'idempotency-key': randomBytes(16).toString('base64url') })
    if (response.status !== 201) return
    const { place, queueToken } = (await response.json()) as { place: number; queueToken: string }
    people.push({ place, queueToken, address })
  }

  const visit = async ({ queueToken, address }: Person) => {
    if (randomInt(NO_SHOW_ONE_IN) === 0) return
    const authorization = `Bearer ${queueToken}`
    const response = await post('claim', address, { authorization })
    if (response.status !== 200) return
    const { admissionToken } = (await response.json()) as { admissionToken: string }
    await sleep(VISIT_MS + randomInt(VISIT_MS), undefined, { signal: ending.signal })
    await post('leave', address, { authorization, 'waiting-room-token': admissionToken })
  }

  const step = async () => {
    const response = await fetch(`${base}/now`, { signal: ending.signal })
    const { waiting, serving, at } = (await response.json()) as {
      waiting: number
      serving: number
      at: number
    }
    if (at > lookedAt) joinedSince = 0
    lookedAt = at
    const called = people.filter((person) => person.place <= serving)
    people = people.filter((person) => person.place > serving)
    for (const person of called) void visit(person).catch(report)
    const missing = Math.min(JOINS_AT_ONCE, Math.max(0, WAITING - waiting - joinedSince))
    joinedSince += missing
    await Promise.all(Array.from({ length: missing }, join))
    return waiting
  }
  const report = (error: unknown) => {
    if (!ending.signal.aborted) console.warn(`crowd: ${String(error)}`)
  }
  const run = async () => {
    for (;;) {
      await sleep(STEP_MS, undefined, { signal: ending.signal })
      await step().catch(report)
    }
  }

  const deadlineMs = Date.now() + 20_000
  while ((await step()) < WAITING - JOINS_AT_ONCE && Date.now() < deadlineMs) await sleep(200)
  run().catch(report)
  return { stop: () => ending.abort() }
}
