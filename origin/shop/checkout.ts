// The buyer's name and email, and the order made from the hold. Shown by `performance-page.ts` once seats are held.
// Errors stand beside their fields; the price that is charged is the server's, never this page's.

import { type Answer, call } from './api.ts'
import { element, h } from './dom.ts'
import { explain } from './explain.ts'
import { listOf, textOf } from './fields.ts'
import type { HeldSeats } from './held-seats.ts'
import { type Buyer, keepBuyer, keepOrder, keptBuyer, orderKey } from './kept.ts'
import { notice } from './notices.ts'
import { en } from './text/en.ts'

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

interface Field {
  readonly node: HTMLElement
  readonly input: HTMLInputElement
  fault(words: string): void
}

function field(name: string, attributes: Record<string, string>, label: string, hint = ''): Field {
  const hintNode = h('span', { id: `${name}-hint`, class: 'hint' }, hint)
  const error = h('span', { id: `${name}-error`, class: 'error' })
  const input = h('input', {
    id: name,
    name,
    required: true,
    'aria-describedby': `${name}-error ${name}-hint`,
    ...attributes,
  })
  return {
    node: h('p', { class: 'field' }, h('label', { for: name }, label), hintNode, input, error),
    input,
    fault(words) {
      error.textContent = words
      if (words === '') input.removeAttribute('aria-invalid')
      else input.setAttribute('aria-invalid', 'true')
    },
  }
}

async function place(holdId: string, buyer: Buyer): Promise<Answer> {
  const key = orderKey(holdId, buyer)
  const answer = await call('POST', '/api/orders', { key, body: { holdId, buyer } })
  if (answer.ok) keepOrder(holdId, textOf(answer.body['orderId']))
  return answer
}

export function createCheckout(held: Pick<HeldSeats, 'current' | 'renew' | 'end'>): void {
  const name = field('name', { autocomplete: 'name', maxlength: '100' }, en.name)
  const email = field(
    'email',
    { type: 'email', autocomplete: 'email', inputmode: 'email', maxlength: '254' },
    en.email,
    en.emailHint,
  )
  const button = h('button', { class: 'primary' }, en.toPayment)
  const form = h(
    'form',
    { novalidate: true },
    name.node,
    email.node,
    button,
    h('p', { class: 'hint' }, en.payElsewhere),
  )
  let busy = false
  const typed = (): Buyer => ({ name: name.input.value.trim(), email: email.input.value.trim() })
  ;({ name: name.input.value, email: email.input.value } = keptBuyer())

  function valid(): boolean {
    name.fault(name.input.value.trim() === '' ? en.nameMissing : '')
    email.fault(EMAIL.test(email.input.value.trim()) ? '' : en.emailMissing)
    const wrong = [name, email].find(({ input }) => input.getAttribute('aria-invalid') === 'true')
    wrong?.input.focus()
    return wrong === undefined
  }

  /** The order's answer; undefined where the visitor has been told already why there is none. */
  async function ask(): Promise<Answer | undefined> {
    const hold = held.current()
    if (hold === undefined) return undefined
    const answer = await place(hold.holdId, typed())
    if (answer.ok || answer.code !== 'order_conflict') return answer
    // An order with other details was made of this hold: it is given up for one with these.
    if (!(await held.renew())) return undefined
    return await place(held.current()?.holdId ?? '', typed())
  }

  async function order(): Promise<void> {
    if (busy || !valid()) return
    busy = true
    notice('')
    button.textContent = en.ordering
    button.setAttribute('aria-disabled', 'true')
    const answer = await ask()
    busy = false
    button.textContent = en.toPayment
    button.removeAttribute('aria-disabled')
    if (answer === undefined) return
    if (answer.ok) return location.assign(`/orders/${encodeURIComponent(textOf(answer.body['orderId']))}`)
    if (answer.code === 'hold_expired' || answer.status === 404) return held.end()
    const faults = listOf(answer.body['errors']).map(({ field: pointer }) => textOf(pointer))
    const [nameWrong, emailWrong] = ['name', 'email'].map((end) => faults.some((at) => at.endsWith(end)))
    if (nameWrong === true) name.fault(en.nameRefused)
    if (emailWrong === true) email.fault(en.emailMissing)
    const wrong = nameWrong === true ? name : emailWrong === true ? email : undefined
    if (wrong !== undefined) return wrong.input.focus()
    return notice(explain(answer, { validation_failed: en.buyerLimit }))
  }

  form.addEventListener('input', () => keepBuyer(typed()))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void order()
  })
  element('checkout').append(form)
}
