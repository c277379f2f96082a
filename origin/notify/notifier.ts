// Who tells buyers what became of their order: the interface that adapters fill. Called by the outbox's
// consumer `notify`, which delivers again what could not be told. Decides nothing about orders.

export interface BuyerMessage {
  /** Names this message for good, at most 256 characters: a provider that knows it does not send it twice. */
  readonly key: string
  readonly kind: 'paid' | 'refunded' | 'voided'
  /** The order's number; its id, which opens it, is in the text alone. */
  readonly order: string
  /** An email address. */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

export interface Notifier {
  /** Returns once the message is taken. Throws `NotifierUnavailable` or `MessageRefused`. */
  tell(message: BuyerMessage): Promise<void>
}

/** Nobody can be told right now: no answer, overload, a quota, a wrong key. The same message may be taken later. */
export class NotifierUnavailable extends Error {
  override readonly name = 'NotifierUnavailable'
  /** How long the provider asks to wait, where it does. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, { retryAfterMs }: { retryAfterMs?: number | undefined } = {}) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

/** This message will not be taken, however often it is sent. */
export class MessageRefused extends Error {
  override readonly name = 'MessageRefused'
}
