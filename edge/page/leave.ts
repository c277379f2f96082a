// Asks before a place is given up. A native dialog: Escape stays, the focus begins on "Stay" and returns to the button.

import type { Leaving, Text } from './text/shape.ts'
import { element } from './write.ts'

function dialogElement(): HTMLDialogElement {
  const dialog = element('sure')
  if (dialog instanceof HTMLDialogElement) return dialog
  throw new Error('queue.html: #sure must be a dialog')
}

/** Takes the question back where it no longer matters: the place was used, or given up in another tab. */
export function dismissLeave(): void {
  const dialog = dialogElement()
  if (dialog.open) dialog.close('stay')
}

/** True when the visitor chose to leave. */
export function confirmLeave(leaving: Leaving, { stay, go }: Pick<Text, 'stay' | 'go'>): Promise<boolean> {
  const dialog = dialogElement()
  element('sure-title').textContent = leaving.title
  element('sure-text').textContent = leaving.text
  element('stay').textContent = stay
  element('go').textContent = go
  dialog.returnValue = 'stay'
  dialog.showModal()
  return new Promise((resolve) => {
    function closed(): void {
      // The event comes late: it may be that of the time before, when the dialog is already open again.
      if (dialog.open) return
      dialog.removeEventListener('close', closed)
      resolve(dialog.returnValue === 'leave')
    }
    dialog.addEventListener('close', closed)
  })
}
