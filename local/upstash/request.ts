// What an HTTP request to the Upstash REST API asks for: the route and its Redis commands. Used by gateway.ts.
// Pure: bytes and strings in, one decision out. It never talks to Redis and never checks the token.

/** A command argument: text, or the raw bytes of a body posted to the path form. */
export type Argument = string | Buffer
/** The command name in upper case, then its arguments. */
export type Command = readonly [name: string, ...args: Argument[]]

/** One command on `command`, one or more on the others. */
export interface CommandRequest {
  readonly route: 'command' | 'pipeline' | 'multi-exec'
  readonly commands: readonly Command[]
}

export interface SubscribeRequest {
  readonly route: 'subscribe'
  readonly byPattern: boolean
  readonly channels: readonly string[]
}

/** A request that cannot be understood; `message` is the `error` member of the 400 answer. */
export interface Unreadable {
  readonly route: 'unreadable'
  readonly message: string
}

/**
 * Reads one request. The three JSON routes take only POST and PUT; everything else is the path form
 * `/COMMAND/arg1/arg2?EX=100` with the body, if there is one, between the path's and the query's arguments.
 *
 * Source: https://upstash.com/docs/redis/features/restapi. The texts of the parse errors are ours, since Upstash
 * documents only their status, 400.
 */
export function readRequest(
  method: string,
  target: string,
  body: Buffer,
): CommandRequest | SubscribeRequest | Unreadable {
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  const posted = method === 'POST' || method === 'PUT'
  if (posted && path === '/pipeline') return readList('pipeline', body)
  if (posted && path === '/multi-exec') return readList('multi-exec', body)
  if (posted && path === '/') return readSingle(body)
  return readPath(path, question < 0 ? '' : target.slice(question + 1), body)
}

function readSingle(body: Buffer): CommandRequest | Unreadable {
  const command = readCommand(parseJson(body))
  if (command === undefined) {
    return unreadable('ERR failed to parse command, expected a JSON array with the command name first')
  }
  return { route: 'command', commands: [command] }
}

function readList(route: 'pipeline' | 'multi-exec', body: Buffer): CommandRequest | Unreadable {
  const list = parseJson(body)
  const commands: Command[] = []
  if (Array.isArray(list)) {
    for (const item of list) {
      const command = readCommand(item)
      if (command === undefined) break
      commands.push(command)
    }
  }
  if (!Array.isArray(list) || list.length === 0 || commands.length < list.length) {
    return unreadable(`ERR failed to parse ${route} request, expected a JSON array of commands`)
  }
  return { route, commands }
}

function readPath(path: string, query: string, body: Buffer): CommandRequest | SubscribeRequest | Unreadable {
  let segments: string[]
  try {
    segments = path.slice(1).split('/').map(decodeURIComponent)
  } catch {
    return unreadable('ERR failed to parse command, the path is not valid percent-encoding')
  }
  const [first = '', ...rest] = segments
  const name = first.toUpperCase()
  if (name === '') return unreadable('ERR failed to parse command, the path names none')
  if (name === 'SUBSCRIBE' || name === 'PSUBSCRIBE') {
    if (rest.length === 0) {
      return unreadable(`ERR wrong number of arguments for '${first.toLowerCase()}' command`)
    }
    return { route: 'subscribe', byPattern: name === 'PSUBSCRIBE', channels: rest }
  }
  const args: Argument[] = rest
  if (body.length > 0) args.push(body)
  for (const [key, value] of new URLSearchParams(query)) {
    if (key === '_token') continue
    args.push(key)
    if (value !== '') args.push(value)
  }
  return { route: 'command', commands: [[name, ...args]] }
}

function readCommand(value: unknown): Command | undefined {
  if (!Array.isArray(value)) return undefined
  const [name, ...args]: unknown[] = value
  if (typeof name !== 'string' || name === '') return undefined
  return [name.toUpperCase(), ...args.map(stringify)]
}

/** Upstash takes any JSON value as an argument; Redis sees numbers and booleans as text, the rest as JSON. */
function stringify(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `undefined` for a body that is not JSON: no JSON text means that. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function unreadable(message: string): Unreadable {
  return { route: 'unreadable', message }
}
