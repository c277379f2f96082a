import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './support.ts'
import { bundleSource, startWorkerd, type Workerd } from './workerd.ts'

/** Three may wait under small/. "slow" makes its call hang, "fail" makes it throw; the other outcomes tell how many shared the call. */
const SOURCE = `
import { Coalescer } from './edge/coalescer.ts'
import { onError } from './src/problem.ts'
const flush = async (entries) => {
  if (entries.includes('slow')) await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (entries.includes('fail')) throw new Error('the call failed')
  return entries.map((entry) => entry + ' of ' + entries.length)
}
const calls = new Coalescer(flush, { windowMs: 300, deadlineMs: 1_500 })
const small = new Coalescer(flush, { windowMs: 300, maxWaiting: 3 })
let met = 0
export default {
  async fetch(request, env, context) {
    const path = new URL(request.url).pathname.slice(1)
    const entry = path.split('/').at(-1)
    if (entry === 'met') return new Response(String(met))
    met += 1
    try {
      return new Response(await (path === entry ? calls : small).add(entry, (work) => context.waitUntil(work)))
    } catch (error) {
      return onError(error, { req: { method: 'GET' } })
    }
  },
}`

let workerd: Workerd
let origin: string
beforeAll(async () => {
  workerd = await startWorkerd({ calls: await bundleSource(SOURCE) })
  origin = workerd.origins.get('calls') ?? ''
})
afterAll(() => workerd.stop())

const ask = async (entry: string, signal?: AbortSignal) => {
  const response = await fetch(`${origin}/${entry}`, signal === undefined ? {} : { signal })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const met = async () => Number((await ask('met')).text)
/** The requests are in the isolate, and wait there. */
const arrived = (count: number) =>
  until('the requests arrive', async () => (await met()) >= count || undefined)

test('a request waits no longer than its own deadline, and other batches meanwhile go their way', async () => {
  const before = await met()
  const slow = ask('slow')
  await arrived(before + 1)
  const open = await until('the next batch is another one', async () => {
    const answer = await ask('quick')
    return answer.status === 200 ? answer : undefined
  })
  expect(open.text).toBe('quick of 1')
  const { status, headers, text } = await slow
  expect([status, headers.get('content-type')]).toEqual([503, 'application/problem+json'])
  expect(JSON.parse(text).code).toBe('busy')
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(2)
})

test('a call that fails fails those who shared it, and nobody else', async () => {
  const before = await met()
  const failing = [ask('fail'), ask('beside')]
  await arrived(before + 2)
  expect((await Promise.all(failing)).map(({ status }) => status)).toEqual([500, 500])
  expect((await ask('after')).text).toBe('after of 1')
})

test('beyond the depth a request is told to come again, at once, and then finds room', async () => {
  const before = await met()
  const waiting = ['a', 'b', 'c'].map((entry) => ask(`small/${entry}`))
  await arrived(before + 3)
  const refused = await ask('small/d')
  expect([refused.status, JSON.parse(refused.text).code]).toEqual([503, 'busy'])
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200])
  expect((await ask('small/d')).text).toBe('d of 1')
})

test('requests whose clients went away neither keep their room nor hurt the others', async () => {
  for (const round of [1, 2]) {
    const before = await met()
    const leaving = new AbortController()
    const gone = ['leader', 'other'].map((entry) => ask(`small/${entry}`, leaving.signal).catch(() => 'gone'))
    await arrived(before + 2)
    const staying = ask('small/staying')
    await arrived(before + 3)
    leaving.abort()
    expect(await Promise.all(gone), `round ${round}`).toEqual(['gone', 'gone'])
    expect((await staying).text, `round ${round}`).toBe('staying of 3')
  }
  const answers = await Promise.all(['a', 'b', 'c'].map((entry) => ask(`small/${entry}`)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
})
