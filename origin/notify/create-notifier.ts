// Chooses the notifier by NOTIFIER. Called once an isolate, by `parts.ts`.

import type { OriginConfig } from '../config.ts'
import { createLogNotifier } from './log-notifier.ts'
import type { Notifier } from './notifier.ts'
import { createResendNotifier } from './resend.ts'

export const createNotifier = (settings: OriginConfig['notifier']): Notifier =>
  settings.kind === 'log' ? createLogNotifier() : createResendNotifier(settings)
