// What this browser noted when it entered a draw: the commitment and the chain as they were shown then. After the draw
// the page holds the result against it, also after a reload. Holds no token; of one room, the last entry only.

import type { KeyStorage } from './join-key.ts'
import { type Entry, fieldsOf, readEntry, textOf } from './room-data.ts'

export interface KeptEntry extends Entry {
  readonly visitor: string
  readonly commitment: string | null
  /** A list that was lost begins anew in another epoch: it is another entry then, whatever its number. */
  readonly epoch: number
}

export interface EntryNote {
  /** Notes the first sight of an entry; a later one of the same visitor changes nothing. */
  note(entry: KeptEntry): void
  of(visitor: string): KeptEntry | undefined
}

export function openEntryNote(room: string, storage: KeyStorage | undefined): EntryNote {
  const name = `wr-entry-${room}`
  let kept: KeptEntry | undefined
  function of(visitor: string): KeptEntry | undefined {
    kept ??= read(storage?.getItem(name) ?? null)
    return kept?.visitor === visitor ? kept : undefined
  }
  return {
    of,
    note(entry) {
      const known = of(entry.visitor)
      if (known?.number === entry.number && known.epoch === entry.epoch) return
      kept = entry
      storage?.setItem(name, JSON.stringify(entry))
    },
  }
}

function read(json: string | null): KeptEntry | undefined {
  if (json === null) return undefined
  try {
    const fields = fieldsOf(JSON.parse(json))
    const entry = readEntry(fields)
    const commitment = typeof fields['commitment'] === 'string' ? fields['commitment'] : null
    const epoch = Number(fields['epoch'] ?? 0)
    return entry === undefined
      ? undefined
      : { ...entry, visitor: textOf(fields['visitor']), commitment, epoch }
  } catch {
    return undefined
  }
}
