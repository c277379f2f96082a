// Stripe's list objects: newest first, cursors by id, `has_more`. Pure.

import { noSuch } from './api-error.ts'
import type { PageParameters } from './parameters.ts'

const DEFAULT_LIMIT = 10

/** One page of rows, which come oldest first. Throws if a cursor names no row. */
export function listOf<T extends { readonly id: string }>(
  url: string,
  oldestFirst: readonly T[],
  {
    limit = DEFAULT_LIMIT,
    starting_after,
    ending_before,
    show,
  }: PageParameters & { show: (row: T) => object },
): object {
  const rows = oldestFirst.toReversed()
  const indexOf = (id: string, param: string): number => {
    const index = rows.findIndex((row) => row.id === id)
    if (index === -1) throw noSuch('object', id, param, 400)
    return index
  }
  const list = (start: number, end: number, hasMore: boolean) => ({
    object: 'list',
    url,
    has_more: hasMore,
    data: rows.slice(start, end).map((row) => show(row)),
  })
  if (ending_before !== undefined) {
    const end = indexOf(ending_before, 'ending_before')
    const start = Math.max(0, end - limit)
    return list(start, end, start > 0)
  }
  const start = starting_after === undefined ? 0 : indexOf(starting_after, 'starting_after') + 1
  return list(start, start + limit, start + limit < rows.length)
}
