// The seats that a visitor has chosen and not yet held: at most eight. Plain state with listeners; asks no server.

import type { Seat } from './catalogue.ts'

export const MOST_SEATS = 8

export interface Choice {
  all(): readonly Seat[]
  has(id: string): boolean
  /** False when eight are chosen already. */
  add(seat: Seat): boolean
  remove(ids: readonly string[]): void
  onChange(listener: () => void): void
}

export function createChoice(): Choice {
  const chosen = new Map<string, Seat>()
  const listeners: (() => void)[] = []
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    all: () => [...chosen.values()],
    has: (id) => chosen.has(id),
    add(seat) {
      if (chosen.size >= MOST_SEATS) return false
      chosen.set(seat.id, seat)
      tell()
      return true
    },
    remove(ids) {
      for (const id of ids) chosen.delete(id)
      tell()
    },
    onChange(listener) {
      listeners.push(listener)
    },
  }
}
