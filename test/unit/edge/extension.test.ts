// Extensions and renewals in random order, by several tabs and over outages, against a store that does what renew.lua says.
// SEED repeats a run and is printed.

import { expect, test } from 'vitest'
import { parseRooms } from '../../../src/config/room.ts'
import { parseRoomId, parseSessionId, parseVisitorId } from '../../../src/ids.ts'
import { StoreUnavailable } from '../../../src/redis/client.ts'
import type { RenewEntry, RenewOutcome } from '../../../src/redis/queue.ts'
import { LONGEST_EXTENSION_MS, type AdmissionClaims } from '../../../src/tokens/admission-token.ts'
import { importPrivateKeys } from '../../../src/tokens/keys.ts'
import { VerifiedTokens } from '../../../src/tokens/verified.ts'
import { makeSecrets } from '../../../local/secrets.ts'
import { randomFrom, SEED } from '../../redis/queue/random.ts'

interface Work {
  readonly isolate: object
  readonly nowMs: number
  readonly waitUntil: () => void
}
type Renewed = Promise<{ readonly claims: AdmissionClaims } | undefined>
/** Loaded by address: the edge is type-checked against the Workers' types, not against Node's. */
const {
  renewPass,
  extendPass,
}: {
  readonly renewPass: (queue: object, claims: AdmissionClaims, work: Work) => Renewed
  readonly extendPass: (
    queue: object,
    claims: AdmissionClaims,
    work: Work & { readonly untilMs: number },
  ) => Renewed
} = await import(new URL('../../../edge/renewal.ts', import.meta.url).href)

const START = Date.parse('2026-12-01T09:00:00Z')
const MINUTE = 60_000
const [roomId, visitor, session] = [
  parseRoomId('demo'),
  parseVisitorId('a-visitor-who-buys'),
  parseSessionId('a-visitor-who-buys-17'),
]
if (!roomId || !visitor || !session) throw new Error('ids of the test')
const room = parseRooms({ demo: { session_duration: 3, session_max_duration: 10 } }).get(roomId)
if (!room) throw new Error('one room is configured')
const admissionKeys = await importPrivateKeys(JSON.parse((await makeSecrets()).ADMISSION_KEYS))

/** One session in a store that answers as renew.lua does, and the edge before it. */
function world() {
  const store = { nowMs: START, expiresAtMs: START + 3 * MINUTE, away: false, asked: [] as RenewEntry[] }
  const queue = {
    room,
    seen: { ended: new Set() },
    snapshot: { failing: false },
    renew: {
      add(entry: RenewEntry): Promise<RenewOutcome> {
        if (store.away) return Promise.reject(new StoreUnavailable('away'))
        store.asked.push(entry)
        if (store.expiresAtMs <= store.nowMs) return Promise.resolve({ status: 'ended' })
        const { sessionEndMs, extendedUntilMs = 0 } = entry
        const slid = Math.min(store.nowMs + 3 * MINUTE, sessionEndMs)
        store.expiresAtMs = Math.max(slid, extendedUntilMs, store.expiresAtMs)
        return Promise.resolve({ status: 'renewed', expiresAtMs: store.expiresAtMs })
      },
    },
  }
  const work = (): Work => ({
    isolate: { config: { issuer: 'foyer', admissionKeys }, verified: new VerifiedTokens() },
    nowMs: store.nowMs,
    waitUntil: () => undefined,
  })
  const first: AdmissionClaims = {
    room: roomId as NonNullable<typeof roomId>,
    visitor: visitor as NonNullable<typeof visitor>,
    session: session as NonNullable<typeof session>,
    sale: 'default',
    expiresAtMs: START + MINUTE,
    sessionEndMs: START + 10 * MINUTE,
  }
  return { store, queue, work, first }
}

test('no extension passes its bound or moves the end, none is shortened by a later token, and none outlives the session', async () => {
  console.log(`extension: SEED=${SEED}`)
  const random = randomFrom(SEED)
  const pick = (n: number) => Math.floor(random() * n)
  let extended = 0
  let beyondTheEnd = 0
  for (let run = 0; run < 60; run += 1) {
    const { store, queue, work, first } = world()
    const bound = first.sessionEndMs + LONGEST_EXTENSION_MS
    // Tokens that tabs hold; any of them may be shown again.
    const tabs: AdmissionClaims[] = [first]
    let granted = 0
    for (let step = 0; step < 40; step += 1) {
      store.nowMs += pick(random() < 0.3 ? 4 * MINUTE : MINUTE)
      store.away = random() < 0.1
      const shown = tabs[pick(tabs.length)] ?? first
      const untilMs = store.nowMs + 1 + pick(random() < 0.1 ? 10 ** 15 : 20 * MINUTE)
      const extending = random() < 0.3
      const before = store.expiresAtMs
      const call = extending
        ? extendPass(queue, shown, { ...work(), untilMs })
        : renewPass(queue, shown, work())
      const pass = await call.catch((error: unknown) => {
        if (store.away && shown.expiresAtMs <= store.nowMs) return undefined
        throw error
      })
      expect(store.expiresAtMs, `SEED=${SEED}`).toBeLessThanOrEqual(bound)
      expect(store.expiresAtMs).toBeGreaterThanOrEqual(before)
      if (pass === undefined) continue
      const { claims } = pass
      tabs.push(claims)
      expect(claims.sessionEndMs).toBe(first.sessionEndMs)
      expect(claims.expiresAtMs).toBeLessThanOrEqual(
        Math.max(first.sessionEndMs, claims.extendedUntilMs ?? 0),
      )
      expect(claims.extendedUntilMs ?? 0).toBeLessThanOrEqual(bound)
      expect(claims.extendedUntilMs ?? 0).toBeGreaterThanOrEqual(shown.extendedUntilMs ?? 0)
      if (store.nowMs >= first.sessionEndMs) beyondTheEnd += 1
      if (!extending) continue
      extended += 1
      expect(claims.extendedUntilMs).toBeGreaterThanOrEqual(Math.min(untilMs, bound))
      if (store.away) continue
      granted = Math.max(granted, Math.min(untilMs, bound))
      // Who sits still from here on finds the session at that time.
      expect(store.expiresAtMs).toBeGreaterThanOrEqual(granted)
    }
  }
  expect(extended).toBeGreaterThan(100)
  expect(beyondTheEnd).toBeGreaterThan(100)
})

test('a session that reaches as far already is not asked about, one that has ended is not extended', async () => {
  const { store, queue, work, first } = world()
  const pass = await extendPass(queue, first, { ...work(), untilMs: START + 12 * MINUTE })
  expect(pass?.claims.extendedUntilMs).toBe(START + 12 * MINUTE)
  expect(store.asked).toHaveLength(1)
  if (pass === undefined) return
  expect(await extendPass(queue, pass.claims, { ...work(), untilMs: START + 11 * MINUTE })).toBeUndefined()
  expect(store.asked).toHaveLength(1)
  store.nowMs = START + 12 * MINUTE
  expect(await extendPass(queue, pass.claims, { ...work(), untilMs: START + 20 * MINUTE })).toBeUndefined()
})
