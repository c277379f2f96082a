// Isolates of a Worker in tests: each has its own memory of the catalogue, and the stores of a running test origin.
import type { Faults } from '../../local/faults.ts'
import { app } from '../../origin/app.ts'
import { partsOf } from '../../origin/parts.ts'
import type { TestOrigin } from './origin.ts'

export interface Isolate {
  readonly env: object
  get(path: string, headers: Record<string, string>): Promise<Response>
}

/** `vars` are settings of its own. */
export function newIsolate(origin: TestOrigin, vars: Readonly<Record<string, unknown>> = {}): Isolate {
  // A Worker is known by its bindings.
  const env = { ...origin.env, ...vars }
  const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} }
  return {
    env,
    get: async (path, headers) => await app.fetch(new Request(origin.url + path, { headers }), env, context),
  }
}

export const partsOfIsolate = (isolate: Isolate) => partsOf(isolate.env)

/** Counts what reaches a gateway from now on, and changes nothing about it; `clear` of the faults ends it. */
export function countRequests<Request>(
  faults: Faults<Request>,
  matches: (request: Request) => boolean = () => true,
): () => number {
  let count = 0
  faults.set({ kind: 'duplicate' }, (request) => {
    if (matches(request)) count += 1
    return false
  })
  return () => count
}
