// What an origin may take an escaped path for. Servers do not agree: some decode twice, some drop what follows a `;`, some
// skip control characters. So every reading counts where one could do harm; `room-match.ts` and `url-origin.ts` say how.
// Pure. Not covered: paths that differ in case alone, and servers that replace letters by similar ones.

/** A path that is still escaped after so many decodings was made to confuse. */
const MOST_DECODINGS = 3

/**
 * With escaped separators kept (Hono), with them decoded (most frameworks), with dot segments and repeated slashes resolved
 * after that (nginx), without path parameters (Tomcat), and decoded until nothing is left to decode. `undefined` if its
 * escapes are no UTF-8, or are themselves escaped too often.
 */
export function readingsOf(pathname: string): readonly string[] | undefined {
  if (!/%|;|\/\//.test(pathname)) return [pathname]
  const kept = decoded(pathname, decodeURI)
  const whole = decoded(pathname, decodeURIComponent)
  const final = decodedFully(pathname)
  if (kept === undefined || whole === undefined || final === undefined) return undefined
  const last = decoded(final, decodeURIComponent) ?? final
  return [...new Set([kept, whole, ...[whole, plain(whole), last, plain(last)].map(resolved)])]
}

export function decoded(text: string, decode: (text: string) => string): string | undefined {
  try {
    return decode(text)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** Whether servers may find another path in it than it shows: a parameter, a control character, a hidden dot segment. */
export function isDoubtful(pathname: string): boolean {
  if (!/[%;]/.test(pathname)) return false
  const final = decodedFully(pathname)
  return final === undefined || /[;\p{Cc}]/u.test(final) || final.split(/[/\\]/).some(goesUp)
}

/** Whether a server may be led above the root by it. The way down counts as the server does that counts the least. */
export function leavesRoot(pathname: string): boolean {
  let depth = 0
  for (const segment of pathname.split('/')) {
    const final = decodedFully(segment)
    if (final === undefined) return true
    const parts = final.split(/[/\\]/)
    const ups = parts.filter(goesUp).length
    // Where separators are hidden beside dots, no two servers agree how far down it went: not at all.
    if (ups > 0) depth -= ups
    else if (parts.some((part) => !['', '.'].includes(plain(part)))) depth += 1
    if (depth < 0) return true
  }
  return false
}

/** ASCII alone, which is all that paths are built of; so it can be asked of any bytes. */
function decodedFully(text: string): string | undefined {
  let current = text
  for (let round = 0; round <= MOST_DECODINGS; round += 1) {
    const next = current.replaceAll(/%([0-7][\da-f])/gi, (_escape, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    )
    if (next === current) return current
    current = next
  }
  return undefined
}

/** Without what servers drop: parameters of a segment, what follows the end of a text in C or of a path, control characters. */
const plain = (path: string): string => path.replaceAll(/[;?#\0][^/\\]*/g, '').replaceAll(/\p{Cc}/gu, '')

/** `..`, also with the dots and spaces around it that Windows drops. */
const goesUp = (segment: string): boolean => /^\.{2,}$/.test(plain(segment).replaceAll(/\s/g, ''))

/** Without `.`, `..` and empty segments; a backslash counts as a slash, as some servers read it. */
function resolved(path: string): string {
  const segments = path.split(/[/\\]/)
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  const isFolder = ['', '.', '..'].includes(segments.at(-1) ?? '')
  return isFolder && kept.length > 0 ? `/${kept.join('/')}/` : `/${kept.join('/')}`
}
