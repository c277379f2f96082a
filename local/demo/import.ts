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
    throw new Error(`The demo event was not imported (${response.status}): ${await response.text()}`)
  }
  await response.body?.cancel()
}
