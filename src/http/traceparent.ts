// W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/): one id that follows a request from the edge to the
// origin and into both logs. Passed on where a valid one came in, made where none did. Pure but for randomness.

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/

export interface Trace {
  /** The header to send on: the trace id that came in, this hop's own parent id, the flags that came in. */
  readonly traceparent: string
  /** 32 hex digits; what log lines carry. */
  readonly traceId: string
}

/** Made when first read: most requests neither go on nor are logged. `randomHex(bytes)`: so many random bytes as lower-case hex. */
export function traceFrom(
  header: string | null | undefined,
  randomHex: (bytes: number) => string = hex,
): Trace {
  let made: Trace | undefined
  const trace = () => (made ??= makeTrace(header, randomHex))
  return {
    get traceparent() {
      return trace().traceparent
    },
    get traceId() {
      return trace().traceId
    },
  }
}

function makeTrace(header: string | null | undefined, randomHex: (bytes: number) => string): Trace {
  const match = TRACEPARENT.exec(header ?? '')
  const traceId = match?.[1] ?? randomHex(16)
  return { traceparent: `00-${traceId}-${randomHex(8)}-${match?.[2] ?? '00'}`, traceId }
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hex(bytes: number): string {
  let text = ''
  for (const byte of crypto.getRandomValues(new Uint8Array(bytes))) text += HEX[byte]
  return text
}
