// Kinds of parameters: schemas over the strings of a decoded form that fail with Stripe's codes and words. Pure.

import { z } from 'zod'

/** Why a text is no such parameter. */
class Fault {
  readonly code: string
  readonly message: string

  constructor(code: string, message: string) {
    this.code = code
    this.message = message
  }
}

/** Fails with Stripe's code for the fault instead of a schema library's. */
function parameter<T>(parse: (text: string) => T | Fault) {
  return z.string().transform((text, context): T => {
    const parsed = parse(text)
    if (!(parsed instanceof Fault)) return parsed
    context.issues.push({
      code: 'custom',
      input: text,
      message: parsed.message,
      params: { code: parsed.code },
    })
    return z.NEVER
  })
}

/** Stripe's limits: at least 50 minor units (in most currencies), at most eight digits. */
const LEAST_AMOUNT = 50
export const MOST_AMOUNT = 99_999_999
const currencies = new Set(Intl.supportedValuesOf('currency').map((code) => code.toLowerCase()))

function parseInteger(text: string, least: number, most: number): number | Fault {
  if (!/^-?\d+$/.test(text)) return new Fault('parameter_invalid_integer', `Invalid integer: ${text}`)
  const value = Number(text)
  if (value < least)
    return new Fault(
      'parameter_invalid_integer',
      `This value must be greater than or equal to ${least}: ${text}`,
    )
  if (value > most)
    return new Fault('parameter_invalid_integer', `This value must be less than or equal to ${most}: ${text}`)
  return value
}

export const integer = (least: number, most: number) =>
  parameter<number>((text) => parseInteger(text, least, most))

export const amount = parameter<number>((text) => {
  const value = parseInteger(text, 1, Number.MAX_SAFE_INTEGER)
  if (value instanceof Fault) return value
  if (value < LEAST_AMOUNT)
    return new Fault('amount_too_small', `Amount must be at least ${LEAST_AMOUNT} minor units: ${text}`)
  if (value > MOST_AMOUNT)
    return new Fault('amount_too_large', `Amount must be no more than ${MOST_AMOUNT} minor units: ${text}`)
  return value
})

export const currency = parameter<string>((text) => {
  const code = text.toLowerCase()
  return currencies.has(code) ? code : new Fault('parameter_invalid_string', `Invalid currency: ${text}`)
})

export const boolean = parameter<boolean>((text) => {
  if (text === 'true' || text === 'false') return text === 'true'
  return new Fault('parameter_invalid_boolean', `Invalid boolean: ${text}`)
})

export const choice = <const T extends string>(...values: T[]) =>
  parameter<T>(
    (text) =>
      values.find((value) => value === text) ??
      new Fault('parameter_invalid_string', `Invalid value: must be one of ${values.join(', ')}`),
  )

export const text = (most: number) =>
  parameter<string>((value) =>
    value.length <= most
      ? value
      : new Fault('parameter_invalid_string_length', `Must be at most ${most} characters.`),
  )

export const webAddress = parameter<string>((value) =>
  isWebAddress(value) ? value : new Fault('url_invalid', 'Not a valid URL'),
)

/** Only http and https: a payer is never sent to a script or to another scheme. */
export function isWebAddress(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:')
}

/** Up to 50 keys of 40 characters with values of 500; '' removes everything. */
export const metadata = z.union([
  z.literal(''),
  z
    .record(z.string().max(40), z.string().max(500))
    .refine((entries) => Object.keys(entries).length <= 50, 'Metadata has at most 50 keys.'),
])

export const expand = z
  .record(z.string(), z.string().max(100))
  .transform((list) => Object.values(list))
  .optional()
