// Tells a fresh store that its rooms are new (see docs/queue.md, "An empty store"). Used by the embedded stack, and by
// hand after a deployment: `ADMIN_TOKEN=… npm run arm -- https://tickets.example`. Repeating it changes nothing.
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

/** A store may take some seconds; an edge that says nothing for so long is not there. */
const TIMEOUT_MS = 30_000

/** Why the rooms could not be armed, in one sentence for whoever runs the deployment. */
class CannotArm extends Error {}

const armed = z.object({
  rooms: z.array(z.object({ room: z.string(), sale: z.string(), outcome: z.string() })),
})
const problem = z.object({ detail: z.string() })

/** What each room answered: "armed", or "known" where the store knew its sale. Throws with the reason of a refusal. */
export async function armRooms(url: string, adminToken: string): Promise<z.infer<typeof armed>['rooms']> {
  if (!URL.canParse(url)) throw new CannotArm(`"${url}" is no address; it begins with https://.`)
  const { status, body } = await post(new URL('/.waiting-room/admin/arm', url), adminToken)
  if (status === 401) {
    throw new CannotArm(`${url} does not accept this ADMIN_TOKEN; it must be the one of this deployment.`)
  }
  const answer = armed.safeParse(body)
  if (status === 200 && answer.success) return answer.data.rooms
  const reason = problem.safeParse(body).data?.detail ?? 'the answer is not that of a waiting room'
  throw new CannotArm(`${url} did not arm its rooms, status ${status}: ${reason}`)
}

async function post(address: URL, adminToken: string): Promise<{ status: number; body: unknown }> {
  try {
    const response = await fetch(address, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await response.text()
    return { status: response.status, body: parse(text) }
  } catch (error) {
    const { message, cause } = error instanceof Error ? error : new Error(String(error))
    throw new CannotArm(
      `${address.origin} cannot be reached: ${cause instanceof Error && cause.message !== '' ? cause.message : message}`,
      { cause: error },
    )
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function main([url]: readonly string[]): Promise<void> {
  const adminToken = process.env['ADMIN_TOKEN']
  if (url === undefined || adminToken === undefined) {
    console.error('usage: ADMIN_TOKEN=<token> npm run arm -- <address of the edge>')
    process.exitCode = 2
    return
  }
  try {
    for (const { room, sale, outcome } of await armRooms(url, adminToken)) {
      console.log(`${room} (sale "${sale}"): ${outcome}`)
    }
  } catch (error) {
    if (!(error instanceof CannotArm)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2))
