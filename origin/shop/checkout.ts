// The buyer's name and email, and the order made from the hold. Shown by `performance-page.ts` once seats are held.
// Errors stand beside their fields; the price that is charged is the server's, never this page's.

import { call } from './api.ts'
import { element, h } from './dom.ts'
import { listOf, textOf } from './fields.ts'
import { requestKey } from './request-key.ts'
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

/** One key for one hold, kept over a reload: a lost answer finds the same order. */
function orderKey(holdId: string): string {
  const name = `order-key:${holdId}`
  const key = sessionStorage.getItem(name) ?? requestKey()
  sessionStorage.setItem(name, key)
  return key
}

export function createCheckout({
  holdId,
  problem,
  ended,
}: {
  readonly holdId: () => string
  readonly problem: (words: string) => void
  readonly ended: () => void
}): void {
  const name = field('name', { autocomplete: 'name', maxlength: '120' }, en.name)
  const email = field(
    'email',
    { type: 'email', autocomplete: 'email', inputmode: 'email', maxlength: '200' },
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

  function valid(): boolean {
    name.fault(name.input.value.trim() === '' ? en.nameMissing : '')
    email.fault(EMAIL.test(email.input.value.trim()) ? '' : en.emailMissing)
    const wrong = [name, email].find(({ input }) => input.getAttribute('aria-invalid') === 'true')
    wrong?.input.focus()
    return wrong === undefined
  }

  async function order(): Promise<void> {
    if (busy || !valid()) return
    busy = true
    button.textContent = en.ordering
    const answer = await call('POST', '/api/orders', {
      key: orderKey(holdId()),
      body: { holdId: holdId(), buyer: { name: name.input.value.trim(), email: email.input.value.trim() } },
    })
    busy = false
    button.textContent = en.toPayment
    if (answer.ok) return location.assign(`/orders/${encodeURIComponent(textOf(answer.body['orderId']))}`)
    if (answer.code === 'hold_expired' || answer.status === 404) return ended()
    if (answer.status === 0) return problem(en.noAnswer)
    if (answer.status === 429) return problem(en.tooMany)
    const faults = listOf(answer.body['errors'])
    for (const { field: pointer, message } of faults) {
      if (textOf(pointer).endsWith('email')) email.fault(textOf(message))
      if (textOf(pointer).endsWith('name')) name.fault(textOf(message))
    }
    return problem(textOf(answer.body['detail']) || en.refused)
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void order()
  })
  element('checkout').append(form)
}
