// Reads JSON of unknown shape field by field, tolerant of fields it does not know. Used where answers become shapes.

export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Numbers are accepted as text: an id may be either. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

export const numberOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : 0

export const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.map((item: unknown) => fieldsOf(item)) : []

/** The data that the Worker wrote into the page. */
export function pageData(): Fields {
  return fieldsOf(JSON.parse(document.querySelector('#shop-data')?.textContent ?? '{}'))
}
