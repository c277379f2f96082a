// Every English word that the queue page's script writes; a language is another file of the same shape.
// Used by the view alone. The few words of the first paint, before any script, stand in queue.html.

import type { Stage } from '../stage.ts'

/** A wait in whole minutes, both ends included; `high` of null means "or more". */
export interface Minutes {
  readonly low: number
  readonly high: number | null
}

const minutes = (count: number): string => (count === 1 ? '1 minute' : `${count} minutes`)
const hours = (count: number): string => (count === 1 ? '1 hour' : `${count} hours`)

const waitUnknown = 'The wait shows once the line moves'

function wait({ low, high }: Minutes): string {
  if (high === null && low < 1) return waitUnknown
  if (high === null) return `More than ${low >= 60 ? hours(Math.floor(low / 60)) : minutes(low)}`
  if (high <= 1) return 'Less than a minute'
  if (low >= 60) {
    const [from, to] = [Math.floor(low / 60), Math.ceil(high / 60)]
    return from === to ? `About ${hours(from)}` : `About ${from} to ${hours(to)}`
  }
  if (low < 1) return `Up to ${minutes(high)}`
  return low === high ? `About ${minutes(low)}` : `About ${low} to ${minutes(high)}`
}

/** What each stage is called, in the largest words of the page. */
const stage: Readonly<Record<Stage, string>> = {
  joining: 'Finding your place in line',
  waiting: 'Your position in line',
  paused: 'The line is paused',
  recovering: 'Putting the line back in order',
  called: 'You are next',
  entering: 'It’s your turn',
  suspended: 'No more waiting',
  missed: 'Your turn has passed',
  sold_out: 'Everything is sold',
  closed: 'The line is not open',
  left: 'You have left the line',
  cookies: 'Cookies are switched off',
}

/** One or two sentences under it; empty where the number says enough. */
const detail: Readonly<Record<Stage, string>> = {
  joining: 'This takes a moment.',
  waiting: '',
  paused: 'Nobody is being let in for the moment. Everyone keeps their place.',
  recovering: 'Places are being checked. Yours is kept, and nobody can pass you.',
  called: 'Opening the door…',
  entering: 'Taking you in…',
  suspended: 'Everyone can come in now. Taking you in…',
  missed: 'You were called, and the time to come in has run out. You can join the line again at its end.',
  sold_out: 'The last one has gone. Thank you for waiting with us.',
  closed: 'There is nothing to wait for right now. Please come back when it opens.',
  left: 'Your place has been given up.',
  cookies: 'Your place is kept in a cookie. Allow cookies for this site, then try again.',
}

/** The button that a stage without a place offers. */
const again: Readonly<Partial<Record<Stage, string>>> = {
  missed: 'Join the line again',
  closed: 'Look again',
  sold_out: 'Look again',
  left: 'Join the line again',
  cookies: 'Try again',
}

export const en = {
  stage,
  detail,
  again,
  wait,
  /** Before the first calls there is no pace to reckon with. */
  waitUnknown,
  number: (count: number): string => count.toLocaleString('en'),
  title: (position: string, title: string): string => `${position} in line · ${title}`,
  titleCalled: 'It’s your turn!',
  updatedNow: 'Updated just now',
  updated: (seconds: number): string =>
    seconds < 60 ? `Updated ${seconds} seconds ago` : `Updated ${minutes(Math.floor(seconds / 60))} ago`,
  progress: 'Way through the line',
  trouble: 'The connection is being retried. Your place is safe.',
  troubleBefore: 'The connection is being retried.',
  offline: 'You are offline. Your place is safe, and this page goes on by itself.',
  notLeft: 'That did not reach us, so you are still in line. Please try again.',
  nextTitle: 'Good to know',
  next: (claimSeconds: number, graceMinutes: number): readonly string[] => [
    'Keep this page open: it lets you in by itself. There is no need to reload.',
    'Your place is kept in this browser. If you close the tab, open the same address again.',
    `When it is your turn, you have ${claimSeconds} seconds to come in.${graceMinutes > 0 ? ` If you miss them, you can come back to the front once, within ${minutes(graceMinutes)}.` : ''}`,
  ],
  leave: 'Leave the line',
  sureTitle: 'Leave the line?',
  sureText: 'You give up your place. If you come back, you start again at the end.',
  stay: 'Stay in line',
  go: 'Leave',
  reference: (visitor: string): string => `Reference ${visitor}`,
  spokenPosition: (position: string): string => `You are number ${position} in line.`,
} as const

export type Text = typeof en
