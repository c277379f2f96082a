// The script of the order's page: pay, follow the payment, show the tickets. Built by build.ts into /shop-assets/order.js.
// The address is the key to the order; the page needs no admission and no cookie. Card data never comes near it.

import { call } from './api.ts'
import { readPerformance } from './catalogue.ts'
import { type Countdown, countDown } from './countdown.ts'
import { element, h } from './dom.ts'
import { explain } from './explain.ts'
import { type Fields, fieldsOf, listOf, numberOf, pageData, textOf } from './fields.ts'
import { clock, longTime, money, shortTime } from './money.ts'
import { speak } from './notices.ts'
import { en } from './text/en.ts'
import { drawTickets } from './tickets.ts'

/** No further change is to come by itself. */
const RESTING = ['paid', 'voided', 'failed', 'cancelled', 'expired', 'refunded']
const MOVING = ['authorised', 'committing', 'capturing', 'voiding']
const MOVING_POLL_MS = 1_500
const WAITING_POLL_MS = 4_000
const LONGEST_POLL_MS = 20_000
const LEAVING_MS = 15_000

const orderId = textOf(pageData()['orderId'])
const path = `/api/orders/${encodeURIComponent(orderId)}`
let drawn = ''
let asked = 0
let timer: ReturnType<typeof setTimeout> | undefined
/** From the press of the button to the provider's page: nothing is pressed twice and nothing drawn anew. */
let paying = false
let countdown: Countdown | undefined

async function look(): Promise<void> {
  clearTimeout(timer)
  if (paying) return
  const answer = await call('GET', path)
  asked += 1
  if (paying) return
  if (answer.status === 404) return write(en.orderMissing)
  if (!answer.ok) {
    write(en.retrying)
    return later(WAITING_POLL_MS)
  }
  const status = textOf(answer.body['status'])
  const failure = failureOf(answer.body)
  // Redrawn only when something changed: focus and selection stay where they are.
  const now = `${status} ${failure} ${textOf(answer.body['payBy'])} ${numberOf(answer.body['refunded'])}`
  if (now !== drawn && (await draw(status, failure, answer))) drawn = now
  if (!RESTING.includes(status)) later(MOVING.includes(status) ? MOVING_POLL_MS : WAITING_POLL_MS)
}

/** Slower the longer it takes. */
function later(paceMs: number): void {
  const pauseMs = Math.min(LONGEST_POLL_MS, paceMs * Math.max(1, asked / 20)) * (0.85 + 0.3 * Math.random())
  timer = setTimeout(() => void look(), pauseMs)
}

function write(sentence: string): void {
  if (element('state').textContent !== sentence) element('state').textContent = sentence
}

/** Why the last payment did not go through; empty where none failed. A sentence, a code, or an object with either. */
function failureOf(order: Fields): string {
  const { failure } = order
  const { message, code } = fieldsOf(failure)
  return textOf(failure) || textOf(message) || textOf(code)
}

/** False where something is still missing and will be asked for again. */
async function draw(
  status: string,
  failure: string,
  { body: order, sentAtMs }: { readonly body: Fields; readonly sentAtMs: number },
): Promise<boolean> {
  const words = en.order[`${status} ${failure}`] ?? en.order[status] ?? en.order['stuck']
  const [heading, sentence] = words ?? ['', '']
  const performance = readPerformance(order['performance'])
  const title = [performance.eventName, performance.name].filter(Boolean).join(': ')
  const when = longTime(performance.startsAt)
  const number = textOf(order['number'])
  document.body.dataset['status'] = status
  document.title = `${heading} · ${title}`
  element('heading').textContent = heading
  element('number').textContent = en.orderNumber(number)
  element('when').textContent = [title, when].filter(Boolean).join(' · ')
  write(status === 'awaiting_payment' && failure !== '' ? en.declined : sentence)
  element('state').classList.toggle('moving', MOVING.includes(status))
  drawItems(order)
  drawActions(status, order, performance.id)
  followTime(status, textOf(order['payBy']), sentAtMs)
  const tickets = status === 'paid' ? await call('GET', `${path}/tickets`) : undefined
  element('tickets').hidden = tickets?.ok !== true
  if (tickets?.ok === true)
    element('tickets').replaceChildren(...drawTickets(tickets.body, { title, when, number }))
  // A paid order without its tickets is not drawn yet: ask again.
  else if (tickets !== undefined) {
    later(WAITING_POLL_MS)
    return false
  }
  return true
}

/** The time left to pay, by the server's clock: this browser's may be wrong. */
function followTime(status: string, payBy: string, sentAtMs: number): void {
  countdown?.stop()
  const leftMs = Date.parse(payBy) - sentAtMs
  element('left').hidden = status !== 'awaiting_payment' || Number.isNaN(leftMs)
  if (element('left').hidden) return
  const time = element('left-time')
  countdown = countDown(Date.now() + leftMs, {
    show(seconds) {
      time.textContent = clock(seconds)
      time.classList.toggle('soon', seconds <= 60)
    },
    speak: (seconds) => speak(en.timeLeft(seconds)),
    ended: () => void look(),
  })
}

function drawItems(order: Fields): void {
  const currency = textOf(order['currency'])
  const lines = listOf(order['items']).map(({ section, row, label, price, fee }) =>
    h(
      'li',
      {},
      h('span', {}, en.seatLine(textOf(section), textOf(row), textOf(label))),
      h('span', {}, money(numberOf(price) + numberOf(fee), currency)),
    ),
  )
  const total = h(
    'p',
    { class: 'total' },
    h('span', {}, en.total),
    h('b', {}, money(numberOf(order['total']), currency)),
  )
  const refunded = numberOf(order['refunded'])
  const givenBack =
    refunded > 0 ? [h('p', { class: 'refunded' }, en.refunded(money(refunded, currency)))] : []
  element('items').hidden = lines.length === 0
  element('items').replaceChildren(h('ul', {}, ...lines), total, ...givenBack)
}

function drawActions(status: string, order: Fields, performanceId: string): void {
  const actions: HTMLElement[] = []
  if (status === 'awaiting_payment') {
    const words = en.pay(money(numberOf(order['total']), textOf(order['currency'])))
    const button = h(
      'button',
      { type: 'button', class: 'primary', onclick: () => void pay(button, words) },
      words,
    )
    const payBy = textOf(order['payBy'])
    actions.push(
      button,
      h('p', { class: 'hint' }, payBy === '' ? '' : `${en.payBy(shortTime(payBy))} `, en.payElsewhere),
    )
  } else if (status === 'paid') {
    actions.push(h('button', { type: 'button', onclick: () => print() }, en.print))
    const shop = performanceId === '' ? '/' : `/performances/${encodeURIComponent(performanceId)}`
    actions.push(h('p', { class: 'hint' }, `${en.visitOver} `, h('a', { href: shop }, en.backToSeats)))
  } else if (RESTING.includes(status) && performanceId !== '') {
    actions.push(
      h(
        'a',
        { class: 'primary', href: `/performances/${encodeURIComponent(performanceId)}` },
        en.backToSeats,
      ),
    )
  }
  element('actions').hidden = actions.length === 0
  element('actions').replaceChildren(...actions)
}

async function pay(button: HTMLButtonElement, words: string): Promise<void> {
  if (paying) return
  paying = true
  button.textContent = en.paying
  button.setAttribute('aria-disabled', 'true')
  const answer = await call('POST', `${path}/pay`)
  const target = answer.ok ? textOf(answer.body['redirectUrl']) : ''
  if (/^https?:\/\//.test(target)) {
    location.assign(target)
    // Where the provider's page does not come, the button does.
    setTimeout(() => {
      button.textContent = words
      void resume()
    }, LEAVING_MS)
    return
  }
  button.textContent = words
  await resume()
  if (!answer.ok && document.body.dataset['status'] === 'awaiting_payment') write(explain(answer))
}

/** Looks anew: the order may have moved on meanwhile, and then its own words say so. */
async function resume(): Promise<void> {
  paying = false
  drawn = ''
  await look()
}

// Back from the provider's page by the Back button: the order may be paid.
window.addEventListener('pageshow', (event) => event.persisted && void resume())
document.addEventListener('visibilitychange', () => document.hidden || void look())
void look()
