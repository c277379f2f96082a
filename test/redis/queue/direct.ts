// Redis without the gateway, for tests that make tens of thousands of script calls: the same scripts, the same binding,
// a tenth of the way. Needs a real redis-server.

import { openDirectStore } from '../../../bench/direct-store.ts'
import { startRedis } from '../../../local/redis.ts'
import type { Servers } from './support.ts'

export async function startDirectServers(): Promise<Servers> {
  const running = await startRedis({ kind: 'redis-server' })
  const direct = openDirectStore(running.url)
  return {
    store: direct.store,
    connection: direct.connection,
    async stop() {
      direct.close()
      await running.stop()
    },
  }
}
