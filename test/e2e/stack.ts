// A whole stack for a test: its own empty stores in a temporary folder, any free port, rooms as the test wants them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStack, type Stack, type StackOptions } from '../../local/stack.ts'

/** The demo's room with other limits: bypass rules as in wrangler.toml. */
export function demoRoom(settings: Readonly<Record<string, unknown>>) {
  const paths = [
    '/orders/*',
    '/api/orders/*',
    '/webhooks/*',
    '/api/tickets/*',
    '/api/admin/*',
    '/shop-assets/*',
  ]
  return { demo: { title: 'Winter Lights', ...settings, bypass: paths.map((path) => ({ path })) } }
}

export interface TestStack extends Stack {
  /** What the Workers wrote at level warn and error. */
  readonly complaints: readonly string[]
}

export async function startTestStack(
  room: Readonly<Record<string, unknown>>,
  options: StackOptions = {},
): Promise<TestStack> {
  const folder = await mkdtemp(join(tmpdir(), 'foyer-e2e-'))
  const complaints: string[] = []
  const stack = await startStack({
    folder,
    port: 0,
    onLog: (level, message) => {
      if (level === 'warn' || level === 'error') complaints.push(message)
    },
    ...options,
    bindings: {
      ...options.bindings,
      'foyer-edge': { ROOMS: demoRoom(room), ...options.bindings?.['foyer-edge'] },
    },
  })
  return {
    ...stack,
    complaints,
    async stop() {
      await stack.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
