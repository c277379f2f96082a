// Counts Redis commands, those inside scripts too: INFO commandstats is the meter, and how Upstash bills.
import { Redis } from 'ioredis'

/** Calls so far by command, without those of measuring itself. */
export async function commandStats(redisUrl: string): Promise<ReadonlyMap<string, number>> {
  const redis = new Redis(redisUrl)
  try {
    const calls = new Map<string, number>()
    for (const line of (await redis.info('commandstats')).split('\r\n')) {
      const match = /^cmdstat_([^:]+):calls=(\d+)/.exec(line)
      if (match?.[1] !== undefined && match[1] !== 'info') calls.set(match[1], Number(match[2]))
    }
    return calls
  } finally {
    redis.disconnect()
  }
}

export function commandsSince(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  return [...after].reduce((sum, [command, calls]) => sum + calls - (before.get(command) ?? 0), 0)
}
