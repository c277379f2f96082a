// Redis replies → the JSON that the Upstash REST API answers. Used by answer.ts and gateway.ts; pure.
// It builds the text directly and never turns bytes into strings and back: this is the gateway's hot path.
// Replies are as ioredis gives them with `stringNumbers`: Buffer for text, string of digits for integers.

/** The exact bytes that base64 mode leaves alone, and only as a whole result. */
const OK = Buffer.from('OK')

/** One `{"result":…}` or `{"error":…}`; errors are never base64. */
export function encodeOutcome(reply: unknown, base64: boolean): string {
  if (reply instanceof Error) return encodeError(reply.message)
  if (Buffer.isBuffer(reply) && reply.equals(OK)) return '{"result":"OK"}'
  return `{"result":${encodeValue(reply, base64)}}`
}

export function encodeError(message: string): string {
  return JSON.stringify({ error: message })
}

/**
 * Inside an array `OK` is encoded like any other text: `@upstash/redis` decodes the first level of an array without
 * exception, so a stored value "OK" left plain would come back as "8".
 */
function encodeValue(reply: unknown, base64: boolean): string {
  if (Buffer.isBuffer(reply)) {
    return base64 ? `"${reply.toString('base64')}"` : JSON.stringify(reply.toString('utf8'))
  }
  // Digits as Redis sent them: a 64-bit integer keeps every one, as JSON allows.
  if (typeof reply === 'string') return reply
  if (reply === null) return 'null'
  if (Array.isArray(reply)) return `[${reply.map((item) => encodeValue(item, base64)).join(',')}]`
  // An error inside a script's table.
  if (reply instanceof Error) return encodeValue(Buffer.from(reply.message), base64)
  throw new TypeError(`Redis answered with ${typeof reply}, which RESP2 does not have`)
}
