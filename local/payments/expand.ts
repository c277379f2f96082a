// `expand[]`: replaces ids in a reply by the objects they name. Called by the REST routes on the finished object.

import { ParameterError } from './api-error.ts'
import type { Ledger } from './ledger.ts'
import type { Wire } from './wire.ts'

interface Lookup {
  readonly ledger: Ledger
  readonly wire: Wire
}

/** Each path names fields joined by dots; `data.` reaches into the rows of a list. */
export function expanded(object: object, paths: readonly string[], lookup: Lookup): object {
  return paths.reduce((at, path) => expandPath(at, path.split('.'), { ...lookup, path }), object)
}

function expandPath(
  object: object,
  [field, ...rest]: readonly string[],
  lookup: Lookup & { path: string },
): object {
  if (field === undefined) return object
  const value: unknown = Reflect.get(object, field)
  if (value === null) return object
  if (Array.isArray(value)) {
    return { ...object, [field]: value.map((row: object) => expandPath(row, rest, lookup)) }
  }
  const found = typeof value === 'object' ? value : find(value, lookup)
  if (found === undefined)
    throw new ParameterError(undefined, `This property cannot be expanded (${lookup.path}).`, 'expand')
  return { ...object, [field]: expandPath(found, rest, lookup) }
}

function find(id: unknown, { ledger, wire }: Lookup): object | undefined {
  if (typeof id !== 'string') return undefined
  const intent = ledger.intents.get(id)
  if (intent) return wire.intent(intent)
  const charge = ledger.charges.get(id)
  if (charge) return wire.charge(charge)
  const method = ledger.paymentMethods.get(id)
  return method && wire.paymentMethod(method)
}
