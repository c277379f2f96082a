// The gateway's connections to Redis: one for commands and pipelines, one for transactions. Used by gateway.ts.
// RESP2 and Buffers throughout. A lost connection fails what was in flight: it never sends a command a second time.

import { Command as RedisCommand, Redis, ReplyError, type RedisOptions } from 'ioredis'
import type { Command } from './request.ts'
import { createScriptFlags } from './script-flags.ts'

/** A reply as ioredis gives it (see reply.ts), or Redis's error as a value. */
export type Reply = unknown

export interface Store {
  /** In order, not atomic, one write to the socket. Throws `StoreUnavailable` when Redis cannot be asked. */
  run(commands: readonly Command[]): Promise<readonly Reply[]>
  /** All or nothing; one error when Redis refused the transaction as a whole. Throws as `run` does. */
  transaction(commands: readonly Command[]): Promise<readonly Reply[] | Error>
  close(): void
}

/** Redis is away or silent; whether the commands were executed is unknown. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** Without an answer for this long the connection is given up and what waits on it fails. */
const SILENCE_MS = 10_000
const RECONNECT_MS = 100

const CONNECTION: RedisOptions = {
  stringNumbers: true,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  socketTimeout: SILENCE_MS,
  connectTimeout: SILENCE_MS,
  retryStrategy: () => RECONNECT_MS,
  lazyConnect: true,
}

/** Connects, and asks the server whether it reads `#!lua` lines. Throws `StoreUnavailable`. */
export async function openStore(redisUrl: string): Promise<Store> {
  const main = await connect(redisUrl)
  const transactions = await connect(redisUrl)
  const probe = await settle(send(main, ['EVAL', '#!lua\nreturn 1', '0']))
  const scripts = createScriptFlags(!(probe instanceof Error))

  return {
    async run(commands) {
      const rewritten = commands.map((command) => scripts.rewrite(command))
      const replies = await runAll(
        main,
        rewritten.map(({ command }) => command),
      )
      return replies.map((reply, at) => rewritten[at]?.replyInstead ?? reply)
    },

    // MULTI … EXEC is written in one piece to a connection that carries nothing else, so no other command gets in
    // between and transactions of several requests follow one another.
    async transaction(commands) {
      const rewritten = commands.map((command) => scripts.rewrite(command))
      const replies = await runAll(transactions, [
        ['MULTI'],
        ...rewritten.map(({ command }) => command),
        ['EXEC'],
      ])
      const outcome = replies.at(-1)
      if (outcome instanceof Error) return outcome
      if (!Array.isArray(outcome)) throw new TypeError('EXEC answered no array')
      return outcome.map((reply: unknown, at) => rewritten[at]?.replyInstead ?? reply)
    },

    close() {
      main.disconnect()
      transactions.disconnect()
    },
  }
}

async function connect(redisUrl: string): Promise<Redis> {
  const redis = new Redis(redisUrl, CONNECTION)
  // Each request that meets a lost connection says so itself; ioredis goes on reconnecting.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw new StoreUnavailable('The gateway cannot reach Redis', { cause: error })
  }
  return redis
}

async function runAll(redis: Redis, commands: readonly Command[]): Promise<Reply[]> {
  const [only] = commands
  if (only !== undefined && commands.length === 1) return [await settle(send(redis, only))]
  const pipeline = redis.pipeline()
  for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args)
  const results = (await pipeline.exec()) ?? []
  return results.map(([error, reply]) => (error === null ? reply : asReply(error)))
}

// Upper-case names also keep ioredis from reshaping replies: its transformers (hgetall …) know lower case only.
function send(redis: Redis, [name, ...args]: Command): Promise<unknown> {
  return Promise.resolve(redis.sendCommand(new RedisCommand(name, args)))
}

async function settle(answer: Promise<unknown>): Promise<Reply> {
  try {
    return await answer
  } catch (error) {
    return asReply(error)
  }
}

/** An error of Redis is a reply like any other; every other failure is the connection's. */
function asReply(error: unknown): Error {
  if (error instanceof ReplyError && error instanceof Error) return error
  throw new StoreUnavailable('Redis behind the gateway does not answer', { cause: error })
}
