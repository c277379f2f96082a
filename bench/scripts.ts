// `npm run bench -- scripts`: what the queue's scripts cost inside Redis at three sizes, in memory and in commands, and
// beside them what other designs cost. Needs redis-server or valkey-server on PATH; starts one of its own, in memory.

import { startRedis } from '../local/redis.ts'
import './text-modules.ts'

export async function benchScripts(): Promise<void> {
  // Only now, since these import the Lua sources.
  const { openDirectStore } = await import('./direct-store.ts')
  const { benchScriptCosts } = await import('./script-costs.ts')
  const { benchCommandCosts } = await import('./command-costs.ts')
  const { benchPeers } = await import('./peers.ts')

  const redis = await startRedis({ kind: 'redis-server' })
  const direct = openDirectStore(redis.url)
  try {
    console.log(`The scripts of the queue on ${redis.kind}, one connection, no gateway\n`)
    await benchScriptCosts(direct)
    const costs = await benchCommandCosts(direct)
    await direct.connection.flushall()
    await benchPeers(direct, costs)
  } finally {
    direct.close()
    await redis.stop()
  }
}
