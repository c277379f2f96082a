// js-redis-server in a process of its own, for machines without Redis. Started only by redis.ts: argument 1 is the port.
// It ends when its standard input does, that is with whoever started it, also after a crash of theirs.

import { createRedisCommandExecutor, RedisServerState, Resp2Server } from 'js-redis-server/core'

const port = Number(process.argv[2])
const { server } = new Resp2Server({
  server: new RedisServerState({ databaseCount: 16 }),
  executor: createRedisCommandExecutor(),
  logger: console,
})
// The package's own `listen` and its command line bind every interface; this one is for this machine alone.
server.on('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
server.on('connection', (socket) => socket.setNoDelay(true))
server.listen(port, '127.0.0.1', () => console.log('Ready to accept connections'))

process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
