// The notifier of a deployment without email: one line in the log for each message. Never the address, the text or the link.

import { logInfo } from '../log.ts'
import type { Notifier } from './notifier.ts'

export const createLogNotifier = (): Notifier => ({
  async tell({ kind, order, key }) {
    logInfo('a buyer is told', { kind, order, key })
  },
})
