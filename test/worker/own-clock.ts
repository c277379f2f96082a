// A clock of its own for a Worker under test: what Date says is set from outside, while timers run as they do. The Worker's
// code is the same; only the global is another. Used by support.ts, for tests of skew and of clocks that are set.

/** In front of the bundle, before any module runs. */
export const CLOCK_BANNER = `
const RealDate = globalThis.Date
globalThis.testClock = { shiftMs: 0, frozenMs: undefined }
const testNow = () => globalThis.testClock.frozenMs ?? RealDate.now() + globalThis.testClock.shiftMs
globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(testNow())
    else super(...given)
  }
  static now() { return testNow() }
}
`

/** Where the clock is set: `{shiftMs}` or `{frozenMs}` as JSON. No path of the Worker. */
export const CLOCK_PATH = '/test-clock'

/** The entry of the bundle, in the folder of the Worker. */
export const CLOCK_ENTRY = `
import edge from './index.ts'
export default {
  scheduled: edge.scheduled,
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '${CLOCK_PATH}') return edge.fetch(request, env, context)
    globalThis.testClock = { shiftMs: 0, ...(await request.json()) }
    return new Response(null, { status: 204 })
  },
}
`
