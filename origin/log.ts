// One JSON line an occurrence. Called wherever the origin has something to tell its operators.
// Never given a token, a card, a buyer, or an order's id: orders are named by their number, which opens nothing.

export function logInfo(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  console.log(JSON.stringify({ level: 'info', message, ...fields }))
}

export function logError(
  message: string,
  error: unknown,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  // drizzle's own message quotes the statement with its parameters; the driver's, one cause further in, does not.
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  console.error(
    JSON.stringify({
      level: 'error',
      message,
      error: inner instanceof Error ? `${inner.name}: ${inner.message}` : String(inner),
      stack: inner instanceof Error ? inner.stack : undefined,
      ...fields,
    }),
  )
}
