// What a site may tell the waiting room by a header of its response, `Waiting-Room-Command`: `end-session`, such as on the
// page that confirms an order, or `extend-session; until=<ms>`, such as with a hold or a payment. Read by `forward.ts`, which
// never lets the header through. Pure but for one line in the log for each command that is ignored.

export const COMMAND_HEADER = 'waiting-room-command'

const SHOWN_CHARACTERS = 64
/** The time in ms since 1970, whole. */
const EXTEND = /^extend-session\s*;\s*until=(\d{1,15})$/i

export type OriginCommand =
  | { readonly action: 'none' }
  | { readonly action: 'end' }
  | { readonly action: 'extend'; readonly untilMs: number }

type Read = OriginCommand | { readonly ignored: 'unknown' | 'malformed' | 'past' | 'cached' | 'no_session' }

/**
 * What is to happen to the visitor's session. Of several commands an end goes before everything, since whatever a session
 * was extended for is over with it, and a later extension before an earlier one. A response out of a cache speaks of whoever
 * it was first made for, so its command counts for nobody: only a cache writes `Age` (RFC 9111 section 5.1).
 */
export function readCommand(
  headers: Headers,
  { hasSession, nowMs }: { readonly hasSession: boolean; readonly nowMs: number },
): OriginCommand {
  let result: OriginCommand = { action: 'none' }
  for (const text of (headers.get(COMMAND_HEADER) ?? '').split(',').map((command) => command.trim())) {
    if (text === '') continue
    const read = admitted(parse(text, nowMs), { cached: headers.has('age'), hasSession })
    if ('ignored' in read) logIgnored(text, read.ignored)
    else result = stronger(result, read)
  }
  return result
}

function parse(command: string, nowMs: number): Read {
  if (command.toLowerCase() === 'end-session') return { action: 'end' }
  if (!/^extend-session(?![\w-])/i.test(command)) return { ignored: 'unknown' }
  const [, digits] = EXTEND.exec(command) ?? []
  if (digits === undefined) return { ignored: 'malformed' }
  const untilMs = Number(digits)
  return untilMs > nowMs ? { action: 'extend', untilMs } : { ignored: 'past' }
}

function admitted(read: Read, { cached, hasSession }: { cached: boolean; hasSession: boolean }): Read {
  if ('ignored' in read) return read
  if (cached) return { ignored: 'cached' }
  return hasSession ? read : { ignored: 'no_session' }
}

function stronger(one: OriginCommand, other: OriginCommand): OriginCommand {
  if (one.action === 'end' || other.action === 'none') return one
  if (one.action === 'extend' && other.action === 'extend') return one.untilMs > other.untilMs ? one : other
  return other
}

function logIgnored(command: string, reason: string): void {
  const shown = command.slice(0, SHOWN_CHARACTERS)
  console.warn(JSON.stringify({ level: 'warn', event: 'origin_command_ignored', command: shown, reason }))
}
