// What a site may tell the waiting room by a header of its response: `Waiting-Room-Command: end-session`, such as on the
// page that confirms an order. Read by `forward.ts`, which never lets the header through. Pure but for one line in the log.

export const COMMAND_HEADER = 'waiting-room-command'

const SHOWN_CHARACTERS = 64

/**
 * Whether the visitor's session is to end. A response out of a cache speaks of whoever it was first made for, so its command
 * counts for nobody: only a cache writes `Age` (RFC 9111 section 5.1).
 */
export function endsSession(headers: Headers, { hasSession }: { readonly hasSession: boolean }): boolean {
  const commands = (headers.get(COMMAND_HEADER) ?? '').split(',').map((command) => command.trim())
  let ends = false
  for (const command of commands) {
    if (command === '') continue
    const reason = refusalOf(command, headers, hasSession)
    if (reason === undefined) ends = true
    else logIgnored(command, reason)
  }
  return ends
}

function refusalOf(command: string, headers: Headers, hasSession: boolean): string | undefined {
  if (command.toLowerCase() !== 'end-session') return 'unknown'
  if (headers.has('age')) return 'cached'
  return hasSession ? undefined : 'no_session'
}

function logIgnored(command: string, reason: string): void {
  const shown = command.slice(0, SHOWN_CHARACTERS)
  console.warn(JSON.stringify({ level: 'warn', event: 'origin_command_ignored', command: shown, reason }))
}
