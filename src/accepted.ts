// What a schema accepts, in plain words: the messages of every zod schema that has none of its own for an issue. Loaded by
// the two places that show issues to people, `http/read-json.ts` and `config/fault.ts`; a schema's own words win.
// Setting them is this module's effect on zod; it keeps no state.

import { z } from 'zod'

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  tuple: 'a list',
}
const FORMATS: Readonly<Record<string, string>> = {
  email: 'an email address',
  url: 'a URL',
  uuid: 'a UUID',
  datetime: 'an RFC 3339 time such as "2026-12-01T19:30:00Z"',
}

z.config({ customError: accepted })

function accepted(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${issue.values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value))).join(' or ')}`
    case 'invalid_format':
      if (issue.format === 'starts_with') return `must begin with "${String(issue['prefix'])}"`
      return `must be ${FORMATS[issue.format] ?? 'in another form'}`
    case 'too_small':
      if (unitOf(issue.origin) === undefined) {
        return `must be ${issue.inclusive === false ? `more than ${issue.minimum}` : `${issue.minimum} or more`}`
      }
      return Number(issue.minimum) === 1
        ? 'must not be empty'
        : `must have at least ${issue.minimum} ${unitOf(issue.origin)}`
    case 'too_big':
      if (unitOf(issue.origin) === undefined) {
        return `must be ${issue.inclusive === false ? `less than ${issue.maximum}` : `${issue.maximum} or less`}`
      }
      return `must have at most ${issue.maximum} ${unitOf(issue.origin)}`
    case 'unrecognized_keys':
      return 'has fields that are not known here'
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
    default:
      // No schema here raises one of these without words of its own.
      return 'is not acceptable'
  }
}

function unitOf(origin: string): string | undefined {
  if (origin === 'string') return 'characters'
  return origin === 'array' ? 'entries' : undefined
}

/** The message of one issue, which says so where the value that it asks for is not there. */
export function messageOf(issue: z.core.$ZodIssue, input: unknown): string {
  return valueAt(input, issue.path) === undefined ? `is missing: ${issue.message}` : issue.message
}

/** What stands at the path of an issue; `undefined` where nothing does. */
export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (at !== null && typeof at === 'object' ? Reflect.get(at, key) : undefined),
    input,
  )
}
