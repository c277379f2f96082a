// The script of the event's and the performance's pages. Built by build.ts into /shop-assets/shop.js.

import { startEventPage } from './event-page.ts'
import { pageData } from './fields.ts'
import { notice } from './notices.ts'
import { startPerformancePage } from './performance-page.ts'
import { en } from './text/en.ts'

if (document.body.dataset['page'] === 'performance') {
  // The gate answers a reload with the waiting room, which leads back to this very address.
  document.addEventListener('admission-ended', () => {
    notice(en.admissionEnded, { name: en.toWaitingRoom, act: () => location.reload() })
  })
  startPerformancePage(pageData())
} else {
  startEventPage(pageData())
}
