// `application/x-www-form-urlencoded` with nested keys, as Stripe's clients write it: `metadata[order]=1`, `expand[0]=x`,
// `expand[]=x`. Gives plain objects without a prototype whose leaves are strings; arrays stay objects keyed by index.

import { ParameterError } from './api-error.ts'

export interface Form {
  [key: string]: string | Form
}

const MOST_PARAMETERS = 1_000
const DEEPEST = 6

/** Throws a ParameterError if keys are malformed, contradict one another, or nest too deep. */
export function decodeForm(text: string): Form {
  const form = emptyForm()
  const pairs = [...new URLSearchParams(text)]
  if (pairs.length > MOST_PARAMETERS)
    throw new ParameterError(undefined, `More than ${MOST_PARAMETERS} parameters.`)
  for (const [key, value] of pairs) insert(form, key, value)
  return form
}

/** The parameter as a path of names in the form in which Stripe reports it: `metadata[order]`. */
export function parameterName(path: readonly PropertyKey[]): string {
  return path.map(String).reduce((name, part) => (name === '' ? part : `${name}[${part}]`), '')
}

function insert(form: Form, key: string, value: string): void {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(key)
  if (match === null) throw new ParameterError(undefined, 'A parameter name is malformed.')
  const [, head = '', rest = ''] = match
  const path = [head, ...Array.from(rest.matchAll(/\[([^[\]]*)\]/g), ([, part = '']) => part)]
  if (path.length > DEEPEST)
    throw new ParameterError(undefined, `Parameters nest deeper than ${DEEPEST}.`, head)
  let at = form
  for (const part of path.slice(0, -1)) {
    const inner = (at[part] ??= emptyForm())
    if (typeof inner === 'string') throw contradiction(path)
    at = inner
  }
  const last = path.at(-1) || String(Object.keys(at).length)
  if (typeof at[last] === 'object') throw contradiction(path)
  at[last] = value
}

function contradiction(path: readonly string[]): ParameterError {
  const name = parameterName(path)
  return new ParameterError(undefined, `Parameter ${name} is given both as a value and as a table.`, name)
}

function emptyForm(): Form {
  return Object.create(null)
}
