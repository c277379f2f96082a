// Tells a fresh store that its rooms are new (see docs/queue.md, "An empty store"). Used by the embedded stack, and by
// hand after a deployment: `ADMIN_TOKEN=… npm run arm -- https://tickets.example`. Repeating it changes nothing.
import { pathToFileURL } from 'node:url'

/** What each room answered: "armed", or "known" where the store knew its sale. Throws with the reason of a refusal. */
export async function armRooms(
  url: string,
  adminToken: string,
): Promise<readonly { room: string; sale: string; outcome: string }[]> {
  const response = await fetch(new URL('/.waiting-room/admin/arm', url), {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}` },
  })
  if (!response.ok) {
    throw new Error(`the rooms could not be armed: ${response.status} ${await response.text()}`)
  }
  const { rooms } = (await response.json()) as Awaited<{ rooms: ReturnType<typeof armRooms> }>
  return rooms
}

async function main([url]: readonly string[]): Promise<void> {
  const adminToken = process.env['ADMIN_TOKEN']
  if (url === undefined || adminToken === undefined) {
    console.error('usage: ADMIN_TOKEN=<token> npm run arm -- <address of the edge>')
    process.exitCode = 2
    return
  }
  for (const { room, sale, outcome } of await armRooms(url, adminToken)) {
    console.log(`${room} (sale "${sale}"): ${outcome}`)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2))
