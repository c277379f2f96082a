// A queue page as the gate asks for one, with what a test changes.

import type { QueuePage } from '../../../edge/queue-html.ts'
import { pageSettings } from '../../../src/config/page.ts'

export function fakePage(changes: Partial<QueuePage> = {}): QueuePage {
  return {
    room: 'demo',
    title: 'Winter Lights',
    message: '',
    base: '/.waiting-room/demo',
    returnTo: '/shop?a=1&b=2',
    state: 'open',
    queue: null,
    claimWindowSeconds: 30,
    lateGraceSeconds: 600,
    settings: pageSettings.parse({}),
    acceptLanguage: null,
    times: undefined,
    ended: false,
    ...changes,
  }
}
