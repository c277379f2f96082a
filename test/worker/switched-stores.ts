// Stores that a test can unplug, or kill and start again, under a running edge. Used by the tests of this folder that lose
// the store; the others share `startStores` of support.ts.

import { Redis } from 'ioredis'
import { startRedis, type RedisOptions } from '../../local/redis.ts'
import { makeSecrets } from '../../local/secrets.ts'
import { startUpstashGateway, type UpstashGateway } from '../../local/upstash/gateway.ts'
import { REDIS_TOKEN, type Edge } from './support.ts'

export interface SwitchedStores extends Pick<Edge, 'secrets' | 'gateway' | 'redis' | 'stop'> {
  /** Nothing listens where the store was. */
  unplug(): Promise<void>
  /** At the same address as before. */
  plugIn(): Promise<void>
  /** SIGKILL, and a new server on the same port with what its folder holds. */
  killAndRestart(): Promise<void>
}

export async function startSwitchedStores(options: RedisOptions = {}): Promise<SwitchedStores> {
  const secrets = await makeSecrets()
  let server = await startRedis(options)
  const redisUrl = server.url
  const startGateway = (port?: number) => startUpstashGateway({ redisUrl, token: REDIS_TOKEN, port })
  const gateway = await startGateway()
  let plugged: UpstashGateway | undefined = gateway
  const redis = new Redis(redisUrl)
  // While the server is being started again, the connection fails; it reconnects by itself.
  redis.on('error', () => undefined)
  return {
    secrets,
    gateway,
    redis,
    async unplug() {
      await plugged?.stop()
      plugged = undefined
    },
    async plugIn() {
      plugged = await startGateway(gateway.port)
    },
    async killAndRestart() {
      const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1])
      process.kill(pid, 'SIGKILL')
      await server.exited
      server = await startRedis({ ...options, port: Number(new URL(redisUrl).port) })
    },
    async stop() {
      redis.disconnect()
      await plugged?.stop()
      await server.stop()
    },
  }
}
