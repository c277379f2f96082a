// Patterns of hosts and paths: a `*` stands for any run of characters, also none and also slashes. Used by `room-match.ts`.
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
