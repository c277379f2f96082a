// How words come into the page: into elements that queue.html has, as text. Used by everything that draws.

export function element(id: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`#${id}`)
  if (found === null) throw new Error(`queue.html has no element #${id}`)
  return found
}

/** Sets text and visibility at once: an empty line takes no room. */
export function write(target: HTMLElement, words: string): void {
  if (target.textContent !== words) target.textContent = words
  target.hidden = words === ''
}
