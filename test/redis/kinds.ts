// Which Redis servers the tests of scripts run on: the one of production where this machine has one; the one from npm always.
import { findOnPath } from '../../local/redis.ts'

export const KINDS =
  (await findOnPath()) === undefined
    ? (['js-redis-server'] as const)
    : (['redis-server', 'js-redis-server'] as const)
export const FASTEST = KINDS[0]
