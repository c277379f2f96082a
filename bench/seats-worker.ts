// The Worker that `availability.ts` measures: the same 15,000 seats as the origin tells them and as a plain list, from the
// same memory. Bundled by the benchmark alone, never shipped.

import { Hono } from 'hono'
import { answerSince, showCopy, type ShownCopy } from '../origin/availability-answer.ts'

const SEATS = 15_000
/** Four seats of one hold. */
const CHANGED = [7_001, 7_002, 7_003, 7_004]

/** A hall that is half sold, in the groups in which people buy; always the same. */
function hall(): string {
  let state = 7
  const random = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  let map = ''
  while (map.length < SEATS) {
    const draw = random()
    map += (draw < 0.5 ? 's' : draw < 0.55 ? 'h' : 'f').repeat(1 + Math.floor(random() * 6))
  }
  return map.slice(0, SEATS)
}

const map = hall()
const ids = Array.from(
  { length: SEATS },
  (_, at) => `C${1 + Math.floor(at / 1_500)}-${Math.floor(at / 30) % 50}-${at % 30}`,
)
const STATES: Readonly<Record<string, string>> = { f: 'free', h: 'held', s: 'sold' }
const list = () => JSON.stringify(ids.map((id, at) => ({ id, state: STATES[map[at] ?? ''] })))

// The isolate's copy, as the origin keeps one: values alone, no promise of a request.
let shown: ShownCopy | undefined
const copy = async () =>
  (shown ??= await showCopy({
    version: 1_795_000_000_002,
    map,
    steps: [{ version: 1_795_000_000_002, ordinals: CHANGED }],
    sinceVersion: 1_795_000_000_001,
  }))

const JSON_TYPE = { 'content-type': 'application/json' }
const GZIPPED = { ...JSON_TYPE, 'content-encoding': 'gzip' }

export default new Hono()
  .get('/whole', async () => {
    const answer = answerSince(await copy(), undefined)
    const sent = { headers: GZIPPED, encodeBody: 'manual' as const }
    return new Response(answer.gzip, sent)
  })
  .get('/changes', async (c) => c.body(answerSince(await copy(), 1_795_000_000_001).json, 200, JSON_TYPE))
  .get('/list', (c) => c.body(list(), 200, JSON_TYPE))
  // The runtime compresses what says that it is.
  .get('/list-gzip', (c) => c.body(list(), 200, GZIPPED))
