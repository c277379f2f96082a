// What a history of seats is made of: calls with their times and their answers, as clients saw them. Written by
// clients.ts, read by the checker. Nothing here knows how the store works.

import type {
  Availability,
  ExtendOutcome,
  HoldLookup,
  HoldOutcome,
  RebuildOutcome,
} from '../../src/redis/seats.ts'

/** Seats of a hold are sold all together: `ordinals` of `confirm` are those that its hold asked for. */
export type Operation =
  | Call<
      'hold',
      {
        id: string
        session: string
        ordinals: readonly number[]
        ttlMs: number
        maxLifeMs: number
        extensions: number
      },
      HoldOutcome
    >
  /** Without `requestId` it is a payment's, which does not count. */
  | Call<'extend', { id: string; session: string; ttlMs: number; requestId?: string }, ExtendOutcome>
  | Call<'release', { id: string; session: string }, boolean>
  | Call<'look', { id: string }, HoldLookup>
  | Call<'confirm', { id: string; ordinals: readonly number[] }, 'done'>
  | Call<'free', { requestId: string; ordinals: readonly number[] }, 'done'>
  /** The whole map; `rebuild` names the rebuild that begins with this look. */
  | Call<'map', { rebuild?: string }, Exclude<Availability, { status: 'delta' }>>
  /** Redis loses everything. */
  | Call<'wipe', object, 'done'>
  /** From what Postgres had sold, as it was read after the look of the same name. */
  | Call<'rebuild', { rebuild: string; sold: readonly number[] }, RebuildOutcome>

interface Call<Kind extends string, Request, Answer> extends Times {
  readonly kind: Kind
  readonly client: string
  readonly request: Readonly<Request>
  /** Missing where none came: the call may have happened, at any time until `overMs`, or not. */
  readonly answer?: Answer
  /** How often the network carried it beyond once: each copy may have happened too. */
  readonly copies: number
  /** After this nothing of it is under way any more; for what was carried again or not answered. */
  readonly overMs: number
}

export interface Times {
  /** Places in one count of all calls and answers: what is real time to the checker. */
  readonly called: number
  /** Infinity where no answer came. */
  readonly answered: number
  /** By the clock that the server reads as well, which decides when a hold ends. */
  readonly calledMs: number
  readonly answeredMs: number
}

export type OperationOf<Kind extends Operation['kind']> = Extract<Operation, { kind: Kind }>

/** Hold id -> the request that asked for it. */
export type Holds = ReadonlyMap<string, OperationOf<'hold'>['request']>

export function holdsOf(history: readonly Operation[]): Holds {
  return new Map(
    history.flatMap((one) => (one.kind === 'hold' ? [[one.request.id, one.request] as const] : [])),
  )
}

/** Whether an operation says something about a seat, or does something to it. */
export function concerns(operation: Operation, seat: number, holds: Holds): boolean {
  switch (operation.kind) {
    case 'map':
    case 'wipe':
    case 'rebuild':
      return true
    case 'hold':
    case 'confirm':
    case 'free':
      return operation.request.ordinals.includes(seat)
    case 'extend':
    case 'release':
    case 'look':
      return holds.get(operation.request.id)?.ordinals.includes(seat) ?? false
  }
}
