// What sort of request stands at the gate: a page that a person opens, or anything else. Pure; read by the gate.

/** What the sender will do with the answer, as far as its headers tell. */
export interface RequestKind {
  /** A top-level navigation: the only kind that enters a quiet room or claims a call by itself. */
  readonly navigation: boolean
  /** Whether the answer to a held request is the queue page rather than problem+json. */
  readonly wantsHtml: boolean
}

/**
 * Link previews and search crawlers: they get the page but take no slot that a person could have. A wrong guess costs
 * little: a person taken for one stands in line like in a busy room, a crawler taken for a person holds a slot for one
 * claim window. "CUBOT" is a make of phones.
 */
const CRAWLER = new RegExp(
  [
    String.raw`(?<!cu)bot\b`,
    'crawl',
    'spider',
    'slurp',
    'facebookexternalhit|facebookcatalog|meta-external',
    '^WhatsApp/',
    'Slack-ImgProxy',
    'Embedly|Iframely|SkypeUriPreview|BingPreview|Snap URL Preview|vkShare|Google Web Preview',
    'Google-InspectionTool|GoogleOther|Mediapartners-Google|ia_archiver|^Mastodon/|http\\.rb/',
  ].join('|'),
  'i',
)

/** Where browsers and crawlers say that nobody looks at the answer yet. */
const PURPOSE_HEADERS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/**
 * Links from other sites are how people arrive, so where a navigation comes from does not matter; what it is does.
 * Prefetches, previews, crawlers, subresources, frames, HEAD and form posts are no visits. Clients that send no Fetch
 * Metadata (old browsers, curl) count by GET and `Accept: text/html`.
 */
export function requestKind(request: Request): RequestKind {
  const { headers, method } = request
  const acceptsHtml = /\btext\/html\b/i.test(headers.get('accept') ?? '')
  const mode = headers.get('sec-fetch-mode')
  const destination = headers.get('sec-fetch-dest')
  const crawls = CRAWLER.test(headers.get('user-agent') ?? '')
  const topLevel =
    mode === null && destination === null ? acceptsHtml : mode === 'navigate' && destination === 'document'
  return {
    navigation: method === 'GET' && topLevel && !crawls && !isSpeculative(headers),
    // Crawlers often accept anything; what they are to read is the page.
    wantsHtml: (acceptsHtml || crawls) && (mode === null || mode === 'navigate'),
  }
}

const isSpeculative = (headers: Headers): boolean =>
  PURPOSE_HEADERS.some((name) => /prefetch|prerender|preview/i.test(headers.get(name) ?? ''))
