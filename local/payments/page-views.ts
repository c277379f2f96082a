// What the hosted pages show. Pure: records in, markup out. No view ever contains a card number that was typed in.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FieldErrors, FieldName } from './card-form.ts'
import { Html, html } from './html.ts'
import type { HttpReply } from './http.ts'
import type { Intent } from './records.ts'

const LAYOUT = readFileSync(new URL('page.html', import.meta.url), 'utf8')
const RETURN_SCRIPT = 'document.forms[0].submit()'
/** Kept out of the templates: a formatter's white space inside would change the hash. */
const RETURN_SCRIPT_TAG = new Html(`<script>${RETURN_SCRIPT}</script>`)
const sha256 = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const STYLE_HASH = sha256(/<style>([^]*)<\/style>/.exec(LAYOUT)?.[1] ?? '')
const SCRIPT_HASH = sha256(RETURN_SCRIPT)

export interface PageOptions {
  readonly status: number
  readonly title: string
  readonly main: Html
  /** Origin that a form may lead to besides our own; browsers check redirects after a form against it too. */
  readonly formTarget?: string | undefined
  readonly script?: boolean
}

export function page({ status, title, main, formTarget, script = false }: PageOptions): HttpReply {
  const policy = [
    "default-src 'none'",
    `style-src ${STYLE_HASH}`,
    'img-src data:',
    ...(script ? [`script-src ${SCRIPT_HASH}`] : []),
    `form-action 'self'${formTarget === undefined ? '' : ` ${formTarget}`}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ]
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy.join('; '),
      'referrer-policy': 'strict-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'x-robots-tag': 'noindex',
    },
    // Functions as replacements: a `$&` in a description must stay text.
    body: LAYOUT.replace('{{title}}', () => html`${title}`.text).replace('{{main}}', () => main.text),
  }
}

export interface PayView {
  readonly intent: Intent
  readonly errors?: FieldErrors
  /** Why the bank refused the last card. */
  readonly refusal?: string
  /** As typed; shown again after an error. */
  readonly expiry?: string
}

/** The card form. It posts to its own address, so that the query goes along. */
export function payForm({ intent, errors = {}, refusal, expiry = '' }: PayView): Html {
  const wrong = Object.keys(errors).length > 0
  const alert = refusal ?? (wrong ? 'Check the fields marked below. Nothing was charged.' : undefined)
  return html`${heading(intent)} ${alert && html`<div class="alert" role="alert"><p>${alert}</p></div>`}
    <form method="post" novalidate>
      ${field('number', errors, {
        label: 'Card number',
        autocomplete: 'cc-number',
        placeholder: '4242 4242 4242 4242',
        most: 23,
      })}
      <div class="pair">
        ${field('expiry', errors, {
          label: 'Expires',
          autocomplete: 'cc-exp',
          placeholder: 'MM / YY',
          most: 9,
          value: expiry,
        })}
        ${field('cvc', errors, {
          label: 'Security code',
          autocomplete: 'cc-csc',
          placeholder: 'CVC',
          most: 4,
        })}
      </div>
      <button type="submit">Pay ${amountText(intent)}</button>
    </form>
    ${TEST_CARD_HINT}`
}

interface FieldOptions {
  readonly label: string
  readonly autocomplete: string
  readonly placeholder: string
  readonly most: number
  readonly value?: string
}

/** The first field that is wrong takes the focus. */
function field(name: FieldName, errors: FieldErrors, options: FieldOptions): Html {
  const error = errors[name]
  const focus = Object.keys(errors)[0] === name ? html`autofocus` : undefined
  return html`<div class="field">
    <label for="${name}">${options.label}</label>
    <input
      id="${name}"
      name="${name}"
      type="text"
      inputmode="numeric"
      autocomplete="${options.autocomplete}"
      placeholder="${options.placeholder}"
      maxlength="${options.most}"
      value="${options.value}"
      required
      ${focus}
      ${error && html`aria-invalid="true" aria-describedby="${name}-error"`}
    />
    ${error && html`<p class="error" id="${name}-error">${error}</p>`}
  </div>`
}

const TEST_CARD_HINT = html`<details>
  <summary>Test cards</summary>
  <p>Any future date and any security code will do.</p>
  <dl>
    <dt>4242 4242 4242 4242</dt>
    <dd>Pays at once</dd>
    <dt>4000 0000 0000 3220</dt>
    <dd>Asks for 3-D Secure first</dd>
    <dt>4000 0000 0000 0002</dt>
    <dd>Is declined</dd>
    <dt>4000 0000 0000 9995</dt>
    <dd>Has insufficient funds</dd>
    <dt>4000 0000 0000 0069</dt>
    <dd>Has expired</dd>
    <dt>4000 0000 0000 0119</dt>
    <dd>Fails while processing</dd>
    <dt>4000 0000 0008 0202</dt>
    <dd>Succeeds by chance, four times in five unless set otherwise</dd>
  </dl>
</details>`

export function challenge(intent: Intent): Html {
  return html`${heading(intent)}
    <p>This stands for your bank’s own 3-D Secure page, where you confirm that it is you who pays.</p>
    <form method="post">
      <button type="submit" name="outcome" value="complete">Complete</button>
      <button type="submit" name="outcome" value="fail">Fail</button>
    </form>`
}

/** Goes on by itself where scripts run, and by a button where they do not. */
export function returnForm(action: string, fields: Readonly<Record<string, string>>): Html {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )
  return html`<h1>Returning to the shop</h1>
    <form method="post" action="${action}">
      ${inputs}
      <p><button type="submit">Continue</button></p>
    </form>
    ${RETURN_SCRIPT_TAG}`
}

export function notice(title: string, text: string): Html {
  return html`<h1>${title}</h1>
    <p>${text}</p>`
}

function heading(intent: Intent): Html {
  return html`<h1>${intent.description ?? 'Payment'}</h1>
    <p class="amount">${amountText(intent)}</p>`
}

/** `$12.34`; the number of decimals follows the currency. */
export function amountText({ amount, currency }: Pick<Intent, 'amount' | 'currency'>): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}
