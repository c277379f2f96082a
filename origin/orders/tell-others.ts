// Moves the outbox on beside the answer of the request: called after whatever wrote to the outbox.
// A courtesy of speed: cron does the same, so a failure is only logged.

export { nudge as tellOthers } from '../outbox/pump.ts'
