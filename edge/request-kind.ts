// What sort of request stands at the gate: a page that a person opens, or anything else. Pure; read by the gate.

/** What the sender will do with the answer, as far as its headers tell. */
export interface RequestKind {
  /** A top-level navigation: the only kind that enters a quiet room or claims a call by itself. */
  readonly navigation: boolean
  /** Whether the answer to a held request is the queue page rather than problem+json. */
  readonly wantsHtml: boolean
}

/**
 * Links from other sites are how people arrive, so where a navigation comes from does not matter; what it is does.
 * Prefetches, previews, subresources, frames, HEAD and form posts are no visits. Clients that send no Fetch Metadata
 * (old browsers, curl) count by GET and `Accept: text/html`.
 */
export function requestKind(request: Request): RequestKind {
  const { headers, method } = request
  const acceptsHtml = /\btext\/html\b/i.test(headers.get('accept') ?? '')
  const mode = headers.get('sec-fetch-mode')
  const destination = headers.get('sec-fetch-dest')
  const speculative =
    /prefetch|prerender|preview/i.test(headers.get('sec-purpose') ?? headers.get('purpose') ?? '') ||
    headers.has('x-moz')
  const topLevel =
    mode === null && destination === null ? acceptsHtml : mode === 'navigate' && destination === 'document'
  return {
    navigation: method === 'GET' && topLevel && !speculative,
    wantsHtml: acceptsHtml && (mode === null || mode === 'navigate'),
  }
}
