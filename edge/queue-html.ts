// The HTML of the queue page, and the policy that goes with it: fills the placeholders of page/queue.html. Pure; called by
// `queue-page.ts`. Everything that came from outside is escaped; a room's own colours, and nothing else, are a style with
// a nonce.

import { directionOf } from '../src/config/languages.ts'
import { logoOrigin, type PageSettings } from '../src/config/page.ts'
import { OWN_TITLE } from '../src/config/room.ts'
import { escapeHtml, escapeJson } from './escape.ts'
import { colourRules } from './page-colours.ts'
import { measuresIn } from './page/measures.ts'
import type { Text } from './page/text/shape.ts'
import { chooseLanguage, TEXTS } from './texts.ts'
import { withoutScript } from './without-script.ts'

/** Of a `QueueView`, what is written here; all of it goes to the page's script. */
export interface HeldView {
  readonly position: number | null
  readonly etaSeconds: { readonly low: number; readonly high: number | null } | null
  readonly entry?: { readonly number: number; readonly entries: number } | undefined
}

/** Of a snapshot, what is written here (ms since 1970). */
export interface PageTimes {
  readonly at: number
  readonly prequeueAt?: number | null
  readonly startsAt?: number | null
  readonly endsAt?: number | null
  readonly draw?: object | null
}

export interface QueuePage {
  readonly room: string
  readonly title: string
  readonly message: string
  /** Path of this room's queue API, without a slash at the end. */
  readonly base: string
  /** Path and query that the visitor asked for, and is sent to after admission. */
  readonly returnTo: string
  /** A state of the room, or why nobody is let in: `reject`, `store_down`. */
  readonly state: string
  /** `null` for one who has not joined, or must join again to be restored. */
  readonly queue: HeldView | null
  /** How long a called visitor has to enter, and after a missed call to return. */
  readonly claimWindowSeconds: number
  readonly lateGraceSeconds: number
  readonly settings: PageSettings
  readonly acceptLanguage: string | null
  readonly times: PageTimes | undefined
  /** The visitor comes with a pass that has ended: after a purchase, or by time. */
  readonly ended: boolean
}

/** The HTML; a placeholder that is not known stays as it is, so that a test finds it. */
export function renderQueuePage(page: QueuePage, html: string, nonce: string): string {
  const { settings, acceptLanguage, times, ...data } = page
  const [first = 'en', ...others] = settings.languages
  const language = chooseLanguage(acceptLanguage, [first, ...others])
  const text = TEXTS[language]
  const own = settings.texts[language]
  const title = own?.heading ?? (page.title === OWN_TITLE ? text.first.heading : page.title)
  const rules = colourRules(settings)
  const { logo } = settings
  const values: Readonly<Record<string, string>> = {
    lang: language,
    dir: directionOf(language),
    background: settings.background,
    colours: rules === undefined ? '' : `<style nonce="${nonce}">${rules}</style>`,
    logo: logo === undefined ? '' : `<img class="logo" src="${escapeHtml(logo)}" alt="${escapeHtml(title)}">`,
    title: escapeHtml(title),
    stage: escapeHtml(text.stage[firstStage(page)]),
    room: escapeHtml(page.room),
    message: escapeHtml(page.message),
    note: escapeHtml(own?.note ?? ''),
    ended: page.ended ? escapeHtml(text.first.ended) : '',
    noscript: withoutScript(page, text, measuresIn(language)),
    data: escapeJson({ ...data, title, times: times === undefined ? undefined : timesOf(times) }),
  }
  return html.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => values[name] ?? placeholder)
}

/** So that its first words can tell them: of a snapshot, these alone. */
function timesOf({ at, prequeueAt, startsAt, endsAt, draw }: PageTimes): PageTimes {
  return {
    at,
    prequeueAt: prequeueAt ?? null,
    startsAt: startsAt ?? null,
    endsAt: endsAt ?? null,
    draw: draw ?? null,
  }
}

/** What the page opens with, until its script has asked. */
function firstStage({ state, queue }: QueuePage): keyof Text['stage'] {
  if (state === 'idle' || state === 'sold_out' || state === 'closed') return state
  if (state === 'reject') return 'closed'
  if (queue === null) return 'joining'
  return queue.entry === undefined ? 'waiting' : 'entered'
}

export function policy(settings: PageSettings, nonce: string): string {
  const logo = settings.logo === undefined ? undefined : logoOrigin(settings.logo)
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${colourRules(settings) === undefined ? '' : ` 'nonce-${nonce}'`}`,
    `img-src 'self' data:${logo === undefined || logo === "'self'" ? '' : ` ${logo}`}`,
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}
