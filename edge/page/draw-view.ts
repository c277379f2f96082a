// The draw as the page shows it: before it, how it works; after it, the visitor's own result; always the numbers that
// anybody can check. Called by `view.ts`. A hash is text like any other: it only ever enters through textContent.

import type { Measures } from './measures.ts'
import { placeFrom } from './draw.ts'
import type { Shown } from './stage.ts'
import type { Text } from './text/shape.ts'
import { element, write } from './write.ts'

export function createDrawView(base: string, text: Text, measures: Measures): (shown: Shown) => void {
  const words = text.draw
  const box = element('draw')
  let drawn = ''
  const link = element('draw-link')
  link.textContent = words.published
  link.setAttribute('href', `${base}/draw`)

  /** What nobody should have to open anything for: the result, and that the operator could know it beforehand. */
  function plainly({ draw, verdict }: Shown): string {
    const isAlone = draw?.round === null
    if (verdict === undefined) return isAlone ? words.noBeacon : ''
    return isAlone ? `${words.operatorKnew} ${words[verdict.is]}` : words[verdict.is]
  }

  function paragraphs({ draw, verdict }: Shown): readonly string[] {
    const round = draw?.round ?? null
    if (verdict !== undefined) return [words.covers, ...(round === null ? [] : [words.beaconUsed])]
    return [...words.how, ...(round === null ? [] : [words.beacon(String(round))]), words.afterwards]
  }

  function numbers({ draw, entry, verdict, visitor }: Shown): readonly (readonly [string, string | null])[] {
    if (draw === null) return []
    const { labels } = words
    const { number } = measures
    const round = draw.round === null ? '' : ` (${draw.round})`
    return [
      [labels.entry, entry === undefined ? null : number(entry.number)],
      [labels.visitor, visitor],
      [labels.commitment, draw.commitment],
      [`${labels.headThen} (${number(entry?.entries ?? 0)})`, entry?.head ?? null],
      [labels.entries, number(Math.max(draw.entries, entry?.entries ?? 0))],
      [labels.head, draw.head],
      [labels.secret, draw.secret],
      [labels.beacon + round, draw.beacon],
      [labels.beaconAddress, draw.beaconAddress],
      [labels.drawn, verdict?.value === undefined ? null : `${verdict.value} → ${placeFrom(verdict.value)}`],
      [labels.place, verdict === undefined ? null : String(verdict.place)],
    ]
  }

  return (shown) => {
    const { draw, entry, stage, verdict } = shown
    const isDraw = draw !== null && (verdict !== undefined || entry !== undefined || stage === 'idle')
    const isOver = stage === 'entering' || stage === 'called' || stage === 'left' || stage === 'missed'
    box.hidden = !isDraw || isOver
    // Redrawn only when something changed, so that nobody's place in the text is lost.
    const state = JSON.stringify([draw, entry, verdict])
    if (box.hidden || state === drawn) return
    drawn = state
    write(element('draw-title'), verdict === undefined ? words.title : words.resultTitle)
    write(element('verdict'), plainly(shown))
    // No tick before words that begin with what the operator knew.
    const isPlain = draw?.round === null && verdict?.is === 'matches'
    element('verdict').dataset['is'] = isPlain ? 'matches-alone' : (verdict?.is ?? '')
    element('draw-how').replaceChildren(...paragraphs(shown).map((words) => made('p', words)))
    element('draw-numbers').replaceChildren(
      ...numbers(shown).flatMap(([label, value]) =>
        value === null || value === ''
          ? []
          : [made('dt', label), value.startsWith('https://') ? made('dd', linkTo(value)) : made('dd', value)],
      ),
    )
  }
}

function made(name: 'p' | 'dt' | 'dd', content: string | HTMLElement): HTMLElement {
  const node = document.createElement(name)
  node.append(content)
  return node
}

/** In a new tab: this one waits. */
function linkTo(address: string): HTMLElement {
  const link = document.createElement('a')
  link.setAttribute('href', address)
  link.setAttribute('target', '_blank')
  link.setAttribute('rel', 'noopener noreferrer')
  link.textContent = address
  return link
}
