// Brings the demo event into a running stack by the way that operators use: the import of the admin API.
// Called once the Workers answer. Repeating it changes nothing.
import { readFile } from 'node:fs/promises'

/** Throws with the Worker's own words where the import is refused. */
export async function importDemoEvent(url: string, adminToken: string): Promise<void> {
  const response = await fetch(`${url}/api/admin/events/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: await readFile(new URL('event.json', import.meta.url)),
  })
  if (!response.ok) {
    const text = await response.text()
    throw new Error(`The demo event was not imported (${response.status}):\n${faultsOf(text) ?? text}`)
  }
  await response.body?.cancel()
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
