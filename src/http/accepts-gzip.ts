// Whether a client takes gzip, by its Accept-Encoding (RFC 9110, section 12.5.3), for what a Worker compresses itself.

interface Asked {
  readonly headers: Headers
  /** What the platform adds to a request; elsewhere there is none. */
  readonly cf?: object | undefined
}

/**
 * The platform writes a header of its own over the client's, which it keeps in `cf.clientAcceptEncoding`. Where the client
 * sent none nothing is assumed: programs that name no coding often undo none.
 */
export function acceptsGzip({ headers, cf }: Asked): boolean {
  const client: unknown =
    cf !== undefined && 'clientAcceptEncoding' in cf ? cf.clientAcceptEncoding : undefined
  const accepted = typeof client === 'string' ? client : (headers.get('accept-encoding') ?? '')
  const weights = new Map(
    accepted.split(',').map((part) => {
      const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
      const weight = parameters.find((text) => text.startsWith('q='))?.slice(2)
      return [coding, weight === undefined ? 1 : Number(weight)]
    }),
  )
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0
}
