// Everything that the simulator remembers, in memory and, if a file is given, in an append-only journal beside it:
// one line per change, written before the reply goes out, so that a crash loses nothing that was answered.
// It knows no rules; the operations do. No card number ever reaches it, and it deletes no file.

import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Charge, Intent, PaymentMethod, Refund } from './records.ts'

/** An event as it was sent: `body` is the exact text, so that every repetition carries the same bytes. */
export interface EventRecord {
  readonly id: string
  readonly type: string
  readonly createdMs: number
  /** The intent that it is about. */
  readonly intent: string
  readonly body: string
  readonly state: 'held' | 'pending' | 'delivered' | 'failed'
  readonly attempts: number
}

/** The answer to a request with an Idempotency-Key; `id` is the key. */
export interface StoredReply {
  readonly id: string
  readonly createdMs: number
  readonly fingerprint: string
  readonly endpoint: string
  readonly requestId: string
  readonly status: number
  readonly body: string
}

interface Tables {
  readonly intent: Intent
  readonly charge: Charge
  readonly refund: Refund
  readonly paymentMethod: PaymentMethod
  readonly event: EventRecord
  readonly reply: StoredReply
}
type TableName = keyof Tables

/** Records of one kind by id, in the order in which they were first stored. */
export class Table<T extends { readonly id: string }> {
  readonly #rows = new Map<string, T>()
  readonly #write: (row: T) => void

  constructor(write: (row: T) => void) {
    this.#write = write
  }

  get(id: string): T | undefined {
    return this.#rows.get(id)
  }

  put(row: T): T {
    this.#rows.set(row.id, row)
    this.#write(row)
    return row
  }

  all(): T[] {
    return [...this.#rows.values()]
  }
}

export class Ledger {
  readonly intents: Table<Intent>
  readonly charges: Table<Charge>
  readonly refunds: Table<Refund>
  readonly paymentMethods: Table<PaymentMethod>
  readonly events: Table<EventRecord>
  readonly replies: Table<StoredReply>
  readonly #file: string | undefined
  #loading = false

  constructor(file: string | undefined) {
    this.#file = file
    const table = <Name extends TableName>(name: Name) =>
      new Table<Tables[Name]>((row) => this.#append(name, row))
    this.intents = table('intent')
    this.charges = table('charge')
    this.refunds = table('refund')
    this.paymentMethods = table('paymentMethod')
    this.events = table('event')
    this.replies = table('reply')
    if (file !== undefined) this.#load(file)
  }

  #append(name: TableName, row: object): void {
    if (this.#file === undefined || this.#loading) return
    appendFileSync(this.#file, line(name, row), { mode: 0o600 })
  }

  /** Reads the journal and writes it again without superseded lines; the last line may be torn by a crash. */
  #load(file: string): void {
    mkdirSync(dirname(file), { recursive: true })
    if (!existsSync(file)) return
    this.#loading = true
    const complete = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    for (const text of complete) this.#restore(JSON.parse(text))
    this.#loading = false
    const fresh = `${file}.new`
    writeFileSync(fresh, this.#lines().join(''), { mode: 0o600 })
    renameSync(fresh, file)
  }

  /** The journal is ours alone, so its rows are trusted to be what the name says. */
  #restore([name, row]: [TableName, never]): void {
    this.#tables()[name].put(row)
  }

  #lines(): string[] {
    return Object.entries(this.#tables()).flatMap(([name, table]) =>
      table.all().map((row) => line(name, row)),
    )
  }

  #tables(): { readonly [Name in TableName]: Table<Tables[Name]> } {
    return {
      intent: this.intents,
      charge: this.charges,
      refund: this.refunds,
      paymentMethod: this.paymentMethods,
      event: this.events,
      reply: this.replies,
    }
  }
}

const line = (name: string, row: object): string => `${JSON.stringify([name, row])}\n`
