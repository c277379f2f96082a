// The quiet half of the page: what is good to know, the buttons, the reference. Called by `view.ts`.

import type { Measures } from './measures.ts'
import type { PageData } from './room-data.ts'
import { holdsPlace, type Shown } from './stage.ts'
import type { Text } from './text/shape.ts'
import { element, write } from './write.ts'

const REFERENCE_LENGTH = 6

export function createNotesView(
  { claimWindowSeconds, lateGraceSeconds }: PageData,
  text: Text,
  measures: Measures,
): (shown: Shown) => void {
  const next = element('next')
  next.querySelector('h2')?.append(text.nextTitle)
  const list = next.querySelector('ul')
  let listed = ''

  /** There is one late return: whoever is on it has no other. */
  function notes(isEntry: boolean, isLate: boolean): readonly string[] {
    const late = isLate ? 0 : Math.floor(lateGraceSeconds / 60)
    const turn = text.next.turn(measures.duration(claimWindowSeconds, 'second'))
    return [
      text.next.open,
      isEntry ? text.next.keptEntry : text.next.keptPlace,
      late > 0 ? `${turn} ${text.next.late(measures.duration(late, 'minute'))}` : turn,
    ]
  }

  return (shown) => {
    const { stage, visitor } = shown
    const isEntry = stage === 'entered' || (stage === 'drawing' && shown.entry !== undefined)
    const holds = holdsPlace(shown)
    next.hidden = !holds || stage === 'sold_out'
    const words = notes(isEntry, shown.late)
    if (listed !== words.join()) {
      listed = words.join()
      list?.replaceChildren(
        ...words.map((note) => {
          const item = document.createElement('li')
          item.textContent = note
          return item
        }),
      )
    }
    const leave = element('leave')
    write(leave, holds ? (stage === 'entered' ? text.leaveDraw : text.leavePlace).button : '')
    // Between an entry and its place there is nothing to leave for a moment.
    if (stage === 'drawing' && isEntry) leave.hidden = true
    const hasOther = stage === 'sold_out' && holds
    write(element('again'), hasOther ? '' : (text.again[stage] ?? ''))
    write(element('reference'), visitor === '' ? '' : text.reference(visitor.slice(0, REFERENCE_LENGTH)))
  }
}
