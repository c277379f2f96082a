// Refuses state-changing calls that a page of another site made with the visitor's cookies. Pure; both Workers ask it
// before they act. A native client sends neither header and passes: it has no ambient cookies to be abused.

import { Problem } from '../problem.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether another origin's page sent this. `Sec-Fetch-Site` decides where it is present (Fetch Metadata): `same-origin`
 * and `none` (typed by the user) pass, `same-site` does not, since a neighbouring subdomain is somebody else.
 * Otherwise `Origin` is compared with the host that was asked; "null" is foreign.
 */
export function isCrossSite(request: Request): boolean {
  if (SAFE_METHODS.has(request.method)) return false
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site !== 'same-origin' && site !== 'none'
  const origin = request.headers.get('origin')
  if (origin === null) return false
  // The host alone: behind a proxy that ends TLS, the scheme that the Worker sees may differ from the page's.
  return !URL.canParse(origin) || new URL(origin).host !== new URL(request.url).host
}

/** Throws `Problem` cross_site for such a call. */
export function refuseCrossSite(request: Request): void {
  if (!isCrossSite(request)) return
  throw new Problem('cross_site', {
    detail:
      'This call came from a page of another site; make it from a page of this one, or without a browser.',
  })
}
