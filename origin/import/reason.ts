// Why a step failed, in words for operators. Called where an import is given up. Pure.

const REASON_LENGTH = 500

/** Of the innermost cause: drizzle's own message quotes the statement with its parameters. */
export function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  return (inner instanceof Error ? inner.message : String(inner)).slice(0, REASON_LENGTH)
}
