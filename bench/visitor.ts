// `npm run bench -- visitor`: what a visitor costs in Redis commands from join to claim, at 6,000 calls a minute in one
// isolate, over HTTP. 128 visitors at a time join, poll the snapshot, claim when called, and begin anew as somebody else.
// Claims share calls as far as they come together: so the cost depends on how often visitors poll, and both ends are shown.

import { randomBytes } from 'node:crypto'
import { Agent } from 'node:http'
import { call } from './call.ts'
import { meter } from './meter.ts'
import { startBenchStack } from './stack.ts'

const VISITORS = 128
const WARM_UP_MS = 4_000
const MEASURED_MS = 20_000
const POLL_EVERY_MS = [20, 1_000] as const

export async function benchVisitor(): Promise<void> {
  console.log(
    `From join to claim: ${VISITORS} connections, 6,000 calls a minute, one isolate, ${MEASURED_MS / 1_000} s\n`,
  )
  console.log('a poll every   admitted a minute   Redis commands a visitor')
  for (const pollEveryMs of POLL_EVERY_MS) {
    const { admitted, commands } = await run(pollEveryMs)
    const perMinute = (admitted * 60_000) / MEASURED_MS
    console.log(
      [
        `${pollEveryMs} ms`.padStart(12),
        perMinute.toFixed(0).padStart(19),
        (commands / admitted).toFixed(3).padStart(26),
      ].join(' '),
    )
  }
  console.log('\nTo reach: 0.25. Commands inside scripts are counted, and those of the snapshot.')
}

async function run(pollEveryMs: number): Promise<{ admitted: number; commands: number }> {
  const stack = await startBenchStack()
  const agent = new Agent({ keepAlive: true, maxSockets: VISITORS })
  const base = `${stack.workers.edge}/.waiting-room/bench/`
  let admitted = 0
  const over = new AbortController()
  const visit = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const joined = await call('POST', `${base}join`, {
        agent,
        headers: { 'idempotency-key': randomBytes(18).toString('base64url') },
      })
      if (joined.status !== 201) throw new Error(`join answered ${joined.status}: ${joined.text}`)
      const { place, queueToken } = JSON.parse(joined.text) as { place: number; queueToken: string }
      while (!over.signal.aborted && (await serving()) < place)
        await pause(pollEveryMs * (0.8 + 0.4 * Math.random()))
      while (!over.signal.aborted) {
        const claimed = await call('POST', `${base}claim`, {
          agent,
          headers: { authorization: `Bearer ${queueToken}` },
        })
        if (claimed.status === 200) break
        if (claimed.status !== 202) throw new Error(`claim answered ${claimed.status}: ${claimed.text}`)
        await pause(pollEveryMs)
      }
      admitted += 1
    }
  }
  const serving = async (): Promise<number> =>
    (JSON.parse((await call('GET', `${base}now`, { agent })).text) as { serving: number }).serving
  try {
    const visits = Array.from({ length: VISITORS }, visit)
    await pause(WARM_UP_MS)
    const before = admitted
    const { commands } = await meter(stack.connection, () => pause(MEASURED_MS))
    const during = admitted - before
    over.abort()
    await Promise.all(visits)
    return { admitted: during, commands }
  } finally {
    agent.destroy()
    await stack.stop()
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
