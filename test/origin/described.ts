// Holds every answer of the origin that a test sees against the description of the API. Used by the set-ups of test/origin
// and test/holds, so that no answer there is of a status or a shape that the description does not promise.

import { isDeepStrictEqual } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { OPERATIONS, problemsOf } from '../../origin/openapi.ts'
import { problem } from '../../origin/openapi-schemas.ts'

/** Throws where the operation is described and this answer of it is not. Pages and unknown addresses pass. */
export async function expectDescribed(method: string, url: string, response: Response): Promise<void> {
  const { pathname } = new URL(url)
  const operation = OPERATIONS.find(
    (one) => one.method === method.toLowerCase() && patternOf(one.path).test(pathname),
  )
  // A fault of ours is described nowhere.
  if (operation === undefined || response.status === 500) return
  const name = `${response.status} of ${method} ${operation.path}`
  // What is in a stream, its own tests read.
  if (operation.events !== undefined && response.status === 200) return
  const schema = operation.answers[response.status]
  if (schema === null) return
  if (schema === undefined && !problemsOf(operation).includes(response.status)) {
    throw new Error(`${name} is not described`)
  }
  const body: unknown = JSON.parse(await textOf(response.clone()))
  const parsed = (schema ?? problem).safeParse(body)
  if (!parsed.success) throw new Error(`${name} differs from its description: ${parsed.error.message}`)
  // What a schema does not name, it drops.
  if (!isDeepStrictEqual(parsed.data, body)) {
    throw new Error(`${name} has more than its description: ${JSON.stringify(body)}`)
  }
}

/** Past a server, nobody has undone what the origin compressed. */
async function textOf(response: Response): Promise<string> {
  const bytes = Buffer.from(await response.arrayBuffer())
  const isCompressed = response.headers.get('content-encoding') === 'gzip' && bytes[0] === 0x1f
  return String(isCompressed ? gunzipSync(bytes) : bytes)
}

const patternOf = (path: string) => new RegExp(`^${path.replaceAll('{id}', '[^/]+')}$`)
