// Turns the address to return to into a path and query of this origin, whatever a form sent. Pure.

/** `next` as a path and query, or "/" for anything that could lead elsewhere. */
export function sameOriginPath(next: string | null, requestUrl: string): string {
  if (next === null || !next.startsWith('/') || !URL.canParse(next, requestUrl)) return '/'
  const target = new URL(next, requestUrl)
  const path = target.pathname + target.search
  // "/.//host" becomes "//host" only when dot segments are gone, and a browser reads that as another host.
  const leads =
    target.origin !== new URL(requestUrl).origin || path.startsWith('//') || path.startsWith('/\\')
  return leads ? '/' : path
}
