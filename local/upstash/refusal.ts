// Commands that the Upstash REST API does not offer, so that nothing works locally and fails in production.
// Asked by answer.ts for each command; pure. It never says whether a command is correct: Redis does.

import type { Command } from './request.ts'

/** State of a connection: a REST request has none of its own. */
const CONNECTION =
  'WATCH UNWATCH MULTI EXEC DISCARD SELECT CLIENT AUTH HELLO RESET QUIT READONLY READWRITE ASKING'
/** Event streams on routes of their own, or not offered at all. */
const STREAMS = 'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR'
const BLOCKING = 'BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF'
/** Of the server itself. */
const SERVER =
  'SHUTDOWN CONFIG DEBUG REPLICAOF SLAVEOF FAILOVER CLUSTER MODULE MIGRATE SYNC PSYNC REPLCONF SAVE BGSAVE ' +
  'BGREWRITEAOF SWAPDB MOVE'

const REFUSED = new Set([CONNECTION, STREAMS, BLOCKING, SERVER].flatMap((names) => names.split(' ')))

/** The error text for a command that is not offered; `undefined` for every other. */
export function refusal(command: Command): string | undefined {
  const [name] = command
  if (REFUSED.has(name)) return notAvailable(name)
  if ((name === 'XREAD' || name === 'XREADGROUP') && blocks(command)) return notAvailable(`${name} BLOCK`)
  return undefined
}

/** `BLOCK` counts only before `STREAMS`: after it, the word could be a key. */
function blocks(command: Command): boolean {
  for (const argument of command) {
    const word = argument.toString().toUpperCase()
    if (word === 'STREAMS') return false
    if (word === 'BLOCK') return true
  }
  return false
}

function notAvailable(name: string): string {
  return `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`
}
