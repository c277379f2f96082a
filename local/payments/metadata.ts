// The merchant's own keys and values on intents and refunds, merged as Stripe does. Pure.

import type { Metadata } from './records.ts'

/** What a request may carry: values by key, or '' for "remove all". */
export type MetadataChanges = Metadata | ''

/** An empty value removes its key; keys that are not named stay. */
export function mergeMetadata(before: Metadata, changes: MetadataChanges | undefined): Metadata {
  if (changes === undefined) return before
  if (changes === '') return {}
  return Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value !== ''))
}
