// Postgres' text as a JSON value, for clients that do not ask for raw text (the driver always does).
// Called for each value by the runner. Same choice of types as Neon's proxy; all others stay text.

import { types } from 'pg'

const {
  BOOL,
  INT2,
  INT4,
  INT8,
  FLOAT4,
  FLOAT8,
  NUMERIC,
  JSON: JSON_,
  JSONB,
  TEXT,
  VARCHAR,
  BPCHAR,
} = types.builtins
const { UUID, DATE, TIMESTAMP, TIMESTAMPTZ } = types.builtins

const CONVERSIONS: ReadonlyMap<number, (text: string) => unknown> = new Map([
  [BOOL, (text: string): unknown => text === 't'],
  [INT2, toNumber],
  [INT4, toNumber],
  [FLOAT4, toNumber],
  [FLOAT8, toNumber],
  [JSON_, (text: string): unknown => JSON.parse(text)],
  [JSONB, (text: string): unknown => JSON.parse(text)],
])

/** Array types → their elements, for all that Neon converts and those that an application commonly selects. */
const ELEMENT_OF: ReadonlyMap<number, number> = new Map([
  [1000, BOOL],
  [1005, INT2],
  [1007, INT4],
  [1016, INT8],
  [1021, FLOAT4],
  [1022, FLOAT8],
  [199, JSON_],
  [3807, JSONB],
  [1009, TEXT],
  [1015, VARCHAR],
  [1014, BPCHAR],
  [1231, NUMERIC],
  [2951, UUID],
  [1115, TIMESTAMP],
  [1185, TIMESTAMPTZ],
  [1182, DATE],
])

const TEXT_ARRAY: number = 1009

/** pg's parser of text[]: nested lists of text and null. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum in @types/pg lists no array types
const parseTextArray: (text: string) => unknown = types.getTypeParser(TEXT_ARRAY)

export function jsonValue(text: string | null, typeId: number | undefined): unknown {
  if (text === null || typeId === undefined) return text
  const element = ELEMENT_OF.get(typeId)
  if (element === undefined) return convert(text, typeId)
  return convertItems(parseTextArray(text), element)
}

function convertItems(item: unknown, element: number): unknown {
  if (Array.isArray(item)) return item.map((nested) => convertItems(nested, element))
  return typeof item === 'string' ? convert(item, element) : item
}

function convert(text: string, typeId: number): unknown {
  const conversion = CONVERSIONS.get(typeId)
  return conversion ? conversion(text) : text
}

/** JSON has no NaN and no Infinity: those stay text. */
function toNumber(text: string): number | string {
  const number = Number(text)
  return Number.isFinite(number) ? number : text
}
