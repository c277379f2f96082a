// `/subscribe/CHANNEL` and `/psubscribe/PATTERN` as server-sent events, one Redis connection each. Used by gateway.ts.
// Payloads go out as they are, never base64: the client does not decode them. It never reconnects on its own.

import type { ServerResponse } from 'node:http'
import { Redis } from 'ioredis'
import type { SubscribeRequest } from './request.ts'
import { StoreUnavailable } from './store.ts'

const CONNECT_TIMEOUT_MS = 10_000

/** Streams until the client goes away or Redis does. Throws `StoreUnavailable` if it cannot begin. */
export async function streamSubscription(
  redisUrl: string,
  { byPattern, channels }: SubscribeRequest,
  response: ServerResponse,
): Promise<void> {
  // A lost connection ends the stream and the client subscribes anew, since messages of the gap are gone either way.
  const redis = new Redis(redisUrl, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: () => null,
  })
  // What failed shows in `connect` and `subscribe` below, or as the end of the stream.
  redis.on('error', () => undefined)
  response.on('close', () => redis.disconnect())

  // A message can be parsed before `subscribe` is known to be done; it waits, so that the confirmation comes first.
  let early: string[] | undefined = []
  const emit = (data: string) => {
    if (early === undefined) response.write(event(data))
    else early.push(data)
  }
  redis.on('messageBuffer', (channel: Buffer, payload: Buffer) => {
    emit(`message,${channel.toString()},${payload.toString()}`)
  })
  redis.on('pmessageBuffer', (pattern: string, channel: Buffer, payload: Buffer) => {
    emit(`pmessage,${pattern},${channel.toString()},${payload.toString()}`)
  })
  try {
    await redis.connect()
    await (byPattern ? redis.psubscribe(...channels) : redis.subscribe(...channels))
  } catch (error) {
    redis.disconnect()
    throw new StoreUnavailable('Redis behind the gateway does not answer', { cause: error })
  }

  redis.on('end', () => response.end())
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const confirmed = byPattern ? 'psubscribe' : 'subscribe'
  const first = channels.map((channel, at) => `${confirmed},${channel},${at + 1}`)
  for (const data of [...first, ...early]) response.write(event(data))
  early = undefined
}

/** A line break inside the data begins another `data:` line, as the format asks. */
function event(data: string): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`)
  return `${lines.join('')}\n`
}
