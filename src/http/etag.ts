// Whether the client has what it asks for already, by If-None-Match (RFC 9110, section 13.1.2). Pure.

/** Compares weakly, as the header demands: `W/"1"` and `"1"` are one. */
export const hasEtag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? '').split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag))

const opaque = (tag: string): string => tag.trim().replace(/^W\//, '')
