// That a call was missed for good, kept over a reload of this tab: the cookie is gone by then, and a page that knew nothing
// would join silently at the end. Only the visitor's own button asks for a new place. Used by `waiting.ts`.

import type { KeyStorage } from './join-key.ts'

export interface MissedCall {
  note(): void
  /** A place, or the wish for one. */
  forget(): void
  known(): boolean
}

export function openMissedCall(room: string, storage: KeyStorage | undefined): MissedCall {
  const name = `wr-missed-${room}`
  return {
    note: () => storage?.setItem(name, '1'),
    forget: () => storage?.removeItem(name),
    known: () => (storage?.getItem(name) ?? null) !== null,
  }
}
