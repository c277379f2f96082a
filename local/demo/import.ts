// Brings the demo event into a running stack by the way that operators use: the import of the admin API, which is a job.
// Called once the Workers answer; waits until the event is there. Repeating it changes nothing.
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

const LOOK_MS = 150
/** Many times what it takes; a store that is that slow is of no use to anyone who waits for `Ready`. */
const PATIENCE_MS = 60_000

interface Progress {
  readonly status: 'queued' | 'running' | 'done' | 'failed'
  readonly seatsDone: number
  readonly seatsTotal: number
  readonly error: string | null
}

/** Throws with the Worker's own words where the import is refused or fails. */
export async function importDemoEvent(url: string, adminToken: string): Promise<void> {
  const body = await readFile(new URL('event.json', import.meta.url), 'utf8')
  await importEvent(url, adminToken, body)
}

/** The same for any event file, as text. */
export async function importEvent(url: string, adminToken: string, body: string): Promise<void> {
  const authorization = `Bearer ${adminToken}`
  const accepted = await fetch(`${url}/api/admin/events/import`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body,
  })
  const { statusUrl } = await read<{ statusUrl: string }>(accepted)
  for (const sinceMs = Date.now(); ; await delay(LOOK_MS)) {
    const looked = await fetch(url + statusUrl, { headers: { authorization } })
    const { status, error, seatsDone, seatsTotal } = await read<Progress>(looked)
    if (status === 'done') return
    if (status === 'failed') throw new Error(`The event was not imported: ${error}`)
    if (Date.now() - sinceMs > PATIENCE_MS) {
      throw new Error(`The import of the event stands at ${seatsDone} of ${seatsTotal} seats.`)
    }
  }
}

async function read<Body>(response: Response): Promise<Body> {
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as Body
  throw new Error(`The event was not imported (${response.status}):\n${faultsOf(text) ?? text}`)
}

/** A Worker that is not configured correctly names its faults: one a line. */
function faultsOf(text: string): string | undefined {
  try {
    const { faults } = JSON.parse(text) as { faults?: unknown }
    return Array.isArray(faults) ? faults.map((fault) => `- ${String(fault)}`).join('\n') : undefined
  } catch {
    return undefined
  }
}
