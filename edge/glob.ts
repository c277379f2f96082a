// Patterns of hosts, paths and values: a `*` stands for any run of characters, also none and also slashes. Used by
// `room-match.ts` on requests and by `room-overlap.ts` on the patterns themselves.
// Pure, and linear however many stars: each part is looked for once, behind the one before it, and never tried again.

/** A compiled pattern: what stands before, between and behind its stars. */
export type Glob = readonly string[]

export const compileGlob = (pattern: string): Glob => pattern.split(/\*+/)

/** Whether the pattern matches the whole text. */
export function matchesGlob(glob: Glob, text: string): boolean {
  const [first = '', ...between] = glob
  const last = between.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let from = first.length
  for (const part of between) {
    const at = text.indexOf(part, from)
    if (at === -1) return false
    from = at + part.length
  }
  return text.length - last.length >= from && text.endsWith(last)
}

/** Whether every text that `narrow` matches is matched by `wide` too. */
export function coversGlob(wide: Glob, narrow: Glob): boolean {
  // A character that stands in no pattern: only a star of `wide` can match it, and that star matches any run as well.
  return matchesGlob(wide, narrow.join('\uffff'))
}

/** Whether some text is matched by both. */
export function sharesGlob(left: Glob, right: Glob): boolean {
  if (left.length === 1) return matchesGlob(right, left.join(''))
  if (right.length === 1) return matchesGlob(left, right.join(''))
  // What stands between the stars of both can be written one after the other; only the ends can contradict each other.
  const [start, otherStart] = [left.at(0) ?? '', right.at(0) ?? '']
  const [end, otherEnd] = [left.at(-1) ?? '', right.at(-1) ?? '']
  return (
    (start.startsWith(otherStart) || otherStart.startsWith(start)) &&
    (end.endsWith(otherEnd) || otherEnd.endsWith(end))
  )
}
