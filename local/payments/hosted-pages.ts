// The provider's own pages: `/pay/{intent}`, where the card is entered, and `/3ds/{intent}`, the bank's challenge. Both
// ask for the intent's client secret and end by sending the payer back to the merchant. They work without JavaScript.
// The card number goes to `payment-methods.ts` and nowhere else: it is never echoed, stored or logged.

import { ApiError } from './api-error.ts'
import { sameSecret } from './api-key.ts'
import { type FieldName, parseCardForm } from './card-form.ts'
import type { HttpReply, HttpRequest } from './http.ts'
import { challenge, notice, page, payForm, type PayView, returnForm } from './page-views.ts'
import { isWebAddress } from './parameter-kinds.ts'
import { methodFromCard } from './payment-methods.ts'
import type { Processor, ProcessorParts } from './processor.ts'
import type { Intent } from './records.ts'

type Parts = Pick<ProcessorParts, 'ledger' | 'settings' | 'now'> & { readonly processor: Processor }

/** One visit: the request, its intent as it is now, and where the payer goes afterwards. */
interface Visit {
  readonly request: HttpRequest
  readonly intent: Intent
  readonly returnUrl: string | undefined
}

export function createHostedPages(parts: Parts): (request: HttpRequest) => Promise<HttpReply> {
  const { ledger, processor } = parts

  return async function hostedPages(request) {
    const [, kind, id = ''] = /^\/(pay|3ds)\/(\w+)$/.exec(request.url.pathname) ?? []
    const intent = ledger.intents.get(id)
    const secret = request.url.searchParams.get('client_secret') ?? ''
    if (intent === undefined || !sameSecret(secret, intent.clientSecret)) {
      const main = notice('There is no such payment', 'Go back to the shop and start the payment again.')
      return page({ status: 404, title: 'No such payment', main })
    }
    const visit = { request, intent, returnUrl: returnUrlOf(intent, request.url.searchParams) }
    switch (request.method) {
      case 'GET':
      case 'HEAD':
        return kind === 'pay' ? showPay(visit) : showChallenge(visit)
      case 'POST':
        return kind === 'pay' ? pay(visit) : answerChallenge(visit)
      default:
        return { status: 405, headers: { allow: 'GET, HEAD, POST' }, body: '' }
    }
  }

  async function pay(visit: Visit): Promise<HttpReply> {
    const form = new URLSearchParams(visit.request.body)
    const expiry = form.get('expiry') ?? ''
    const entry = parseCardForm(form, parts.now())
    if (entry.kind === 'invalid') {
      return formPage(visit, { intent: visit.intent, errors: entry.errors, expiry }, 422)
    }
    const method = methodFromCard(entry.card, parts)
    try {
      const intent = await processor.confirm(visit.intent.id, { payment_method: method.id })
      return showPay({ ...visit, intent })
    } catch (error) {
      if (!(error instanceof ApiError) || error.intent === undefined) throw error
      // A second submission of the same form finds the first one's result, and shows that.
      if (error.fields.type !== 'card_error') return showPay({ ...visit, intent: error.intent })
      const { code = '', message } = error.fields
      const wrong = FIELD_OF_CODE[code]
      const errors = wrong === undefined ? {} : { [wrong]: message }
      const refusal = `${message} Nothing was charged.`
      return formPage(visit, { intent: error.intent, refusal, expiry, errors }, 402)
    }
  }

  async function answerChallenge(visit: Visit): Promise<HttpReply> {
    const outcome = new URLSearchParams(visit.request.body).get('outcome')
    if (outcome !== 'complete' && outcome !== 'fail') return showChallenge(visit)
    try {
      const intent = await processor.authenticate(visit.intent.id, outcome === 'complete')
      return showChallenge({ ...visit, intent })
    } catch (error) {
      // The bank knows the payer and declines all the same; the shop offers another try.
      if (!(error instanceof ApiError) || error.intent === undefined) throw error
      return showChallenge({ ...visit, intent: error.intent })
    }
  }
}

/** Refusals that concern one field; all others concern the card as a whole. */
const FIELD_OF_CODE: Readonly<Record<string, FieldName>> = { incorrect_cvc: 'cvc', expired_card: 'expiry' }

function showPay(visit: Visit): HttpReply {
  const { intent, request } = visit
  switch (intent.status) {
    case 'requires_payment_method':
    case 'requires_confirmation':
      return formPage(visit, { intent }, 200)
    case 'requires_action':
      return redirect(`/3ds/${intent.id}${request.url.search}`)
    case 'processing': {
      const main = notice('Your bank is being asked', 'Reload this page in a moment.')
      return page({ status: 200, title: 'Processing', main })
    }
    case 'requires_capture':
    case 'succeeded':
      return backToShop(visit, 'succeeded')
    case 'canceled': {
      const main = notice(
        'This payment was cancelled',
        'Nothing was charged. Go back to the shop to start again.',
      )
      return page({ status: 410, title: 'Payment cancelled', main })
    }
  }
}

function showChallenge(visit: Visit): HttpReply {
  const { intent, returnUrl } = visit
  if (intent.status === 'requires_payment_method') return backToShop(visit, 'failed')
  if (intent.status !== 'requires_action') return showPay(visit)
  return page({ status: 200, title: '3-D Secure', main: challenge(intent), formTarget: originOf(returnUrl) })
}

function formPage({ returnUrl }: Visit, view: PayView, status: number): HttpReply {
  const title = status === 200 ? 'Payment' : 'Error: payment'
  return page({ status, title, main: payForm(view), formTarget: originOf(returnUrl) })
}

/**
 * Where the payer goes afterwards: what the merchant put into `metadata.return_url`, else the `return_url` of a
 * confirmation by API, else the page's query. Metadata needs the secret key, so that nobody can change it by editing
 * the page's address; if it is unusable, nothing else takes its place.
 */
function returnUrlOf(intent: Intent, query: URLSearchParams): string | undefined {
  const address = intent.metadata['return_url'] ?? intent.returnUrl ?? query.get('return_url')
  return address !== null && isWebAddress(address) ? address : undefined
}

function originOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : new URL(address).origin
}

/** A redirect with Stripe's parameters; with `method=post` in our query a form, as some banks return after 3-D Secure. */
function backToShop({ request, intent, returnUrl }: Visit, status: 'succeeded' | 'failed'): HttpReply {
  if (returnUrl === undefined) {
    const [title, text] =
      status === 'succeeded'
        ? ['Paid', 'You may close this page and go back to the shop.']
        : ['Not paid', 'Nothing was charged. Go back to the shop to try again.']
    return page({ status: 200, title, main: notice(title, text) })
  }
  const fields = {
    payment_intent: intent.id,
    payment_intent_client_secret: intent.clientSecret,
    redirect_status: status,
  }
  if (request.url.searchParams.get('method') === 'post') {
    const main = returnForm(returnUrl, fields)
    const formTarget = originOf(returnUrl)
    return page({ status: 200, title: 'Returning to the shop', main, formTarget, script: true })
  }
  const location = new URL(returnUrl)
  for (const [name, value] of Object.entries(fields)) location.searchParams.set(name, value)
  return redirect(location.href)
}

function redirect(location: string): HttpReply {
  const headers = { location, 'cache-control': 'no-store', 'referrer-policy': 'strict-origin' }
  return { status: 303, headers, body: '' }
}
