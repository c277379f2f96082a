// A refused request as a page, for somebody who followed a link or typed an address. Programs keep `problem+json`.
// Called by `app.ts` on every answer that is a problem; the status stays, and the page says nothing of the API's words.

import type { Context } from 'hono'
import { fillPage, PAGE_HEADERS } from './page.ts'
import problemPage from './shop/problem.html'

const WORDS: Readonly<Record<number, readonly [title: string, text: string]>> = {
  401: [
    'Please come in through the waiting room',
    'Your time in the shop has ended, or you have not been let in yet. From the start you can join the line.',
  ],
  404: [
    'There is nothing at this address',
    'The link may be incomplete or old. If it is from an order, please copy all of it again.',
  ],
  429: ['That was a lot at once', 'Please wait a few seconds and load the page again.'],
}
const REFUSED = [
  'This page cannot be shown',
  'The address or what was sent with it does not work here.',
] as const
const BROKEN = [
  'The shop cannot answer right now',
  'Please load the page again in a moment. Orders that you have made are safe.',
] as const

/** `problem` itself, or the page for it where a browser navigates. */
export function pageForPeople(c: Context, problem: Response): Response {
  if (!isNavigation(c.req.raw.headers)) return problem
  const [title, text] = WORDS[problem.status] ?? (problem.status < 500 ? REFUSED : BROKEN)
  const headers = new Headers(PAGE_HEADERS)
  const retryAfter = problem.headers.get('retry-after')
  if (retryAfter !== null) headers.set('retry-after', retryAfter)
  return new Response(fillPage(problemPage, { title, text }), { status: problem.status, headers })
}

/** A browser without `Sec-Fetch-Mode` is taken by what it accepts. */
function isNavigation(headers: Headers): boolean {
  const mode = headers.get('sec-fetch-mode')
  return /\btext\/html\b/i.test(headers.get('accept') ?? '') && (mode === null || mode === 'navigate')
}
