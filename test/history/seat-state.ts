// One seat of the sequential model: who has it, until when, and what Redis remembers of the holds that asked for it.
// Used by the models of the operations. Pure: a state is never changed, a step gives the next one.

/** A time that answers have told exactly, or bounds for one that nobody was told. Milliseconds. */
export interface Bounds {
  readonly from: number
  readonly to: number
}

export interface Holder {
  readonly id: string
  readonly expires: Bounds
  readonly lastsUntil: Bounds
  /** Undefined in a window whose past is unknown, as are the requests. */
  readonly extensions: number | undefined
  readonly requests: readonly string[] | undefined
}

/** What is known of a hold id besides the seat. `nobody`: sold without Redis having known a hold. `any`: made before the
 * window that is looked at. `lost`: this seat went to another by a sale or a rebuild; the hold may live on with others. */
export type Remembered = 'live' | 'released' | 'expired' | 'sold' | 'lost' | 'nobody' | 'freed' | 'any'

export interface SeatState {
  /** The earliest that the latest operation can have happened. */
  readonly clock: number
  readonly loaded: boolean
  readonly sold: boolean
  readonly holder: Holder | undefined
  /** Holds, and requests that gave seats back, as `free:<id>`. */
  readonly remembered: ReadonlyMap<string, Remembered>
  /** Rebuild -> whether the seat changed since its look, and whether a map was loaded at that look. */
  readonly watching: ReadonlyMap<string, { readonly touched: boolean; readonly loaded: boolean }>
  /** The window has a past that is not looked at. */
  readonly cut: boolean
}

export const FREE_SEAT: SeatState = {
  clock: Number.NEGATIVE_INFINITY,
  loaded: true,
  sold: false,
  holder: undefined,
  remembered: new Map(),
  watching: new Map(),
  cut: false,
}

/** Where every history begins: Redis has never had a map. */
export const NO_MAP: SeatState = { ...FREE_SEAT, loaded: false }

export const remember = (state: SeatState, id: string, as: Remembered): SeatState => ({
  ...state,
  remembered: new Map(state.remembered).set(id, as),
})

/** The name under which a request that gave seats back is remembered. */
export const returned = (requestId: string): string => `free:${requestId}`

/** Without what nobody will ask for. */
export function forget(state: SeatState, isOver: (name: string) => boolean): SeatState {
  const remembered = keep(state.remembered, isOver)
  const watching = keep(state.watching, isOver)
  if (remembered === state.remembered && watching === state.watching) return state
  return { ...state, remembered, watching }
}

function keep<Value>(
  map: ReadonlyMap<string, Value>,
  isOver: (name: string) => boolean,
): ReadonlyMap<string, Value> {
  const entries = [...map].filter(([name]) => !isOver(name))
  return entries.length === map.size ? map : new Map(entries)
}

/** The seat changes hands: rebuilds that looked before must leave it as it is. */
export function change(state: SeatState, to: { sold: boolean; holder?: Holder | undefined }): SeatState {
  const watching = new Map([...state.watching].map(([id, watch]) => [id, { ...watch, touched: true }]))
  return { ...state, sold: to.sold, holder: to.holder, watching }
}

/** Ends the hold that has the seat. */
export function end(state: SeatState, as: Remembered, sold = false): SeatState {
  if (state.holder === undefined) return state
  return remember(change(state, { sold }), state.holder.id, as)
}

/**
 * The ways in which a moment within the bounds can find the seat: as it is, or its hold run out by then. The moment is taken
 * as early as can be, which allows everything that a later one would.
 */
export function arrive(state: SeatState, { from, to }: Bounds): SeatState[] {
  const clock = Math.max(state.clock, from)
  if (clock > to) return []
  const { holder } = state
  if (holder === undefined) return [{ ...state, clock }]
  const ways: SeatState[] = []
  // Due at the very millisecond is ended.
  if (clock < holder.expires.to) {
    const expires = { from: Math.max(holder.expires.from, clock + 1), to: holder.expires.to }
    ways.push({ ...state, clock, holder: { ...holder, expires } })
  }
  const due = Math.max(clock, holder.expires.from)
  if (due <= to) ways.push(end({ ...state, clock: due }, 'expired'))
  return ways
}

/** A time that an answer tells: undefined where it contradicts what is known. */
export const exactly = (bounds: Bounds, ms: number): Bounds | undefined =>
  bounds.from <= ms && ms <= bounds.to ? { from: ms, to: ms } : undefined

const keys = new WeakMap<object, string>()
function spell(map: ReadonlyMap<string, unknown>): string {
  const known = keys.get(map)
  if (known !== undefined) return known
  const key = JSON.stringify([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  keys.set(map, key)
  return key
}

/** Equal for states that nothing later can tell apart, but for the clock. */
export const spellSeat = ({ loaded, sold, holder, remembered, watching }: SeatState): string =>
  `${loaded} ${sold} ${spellHolder(holder)} ${spell(remembered)} ${spell(watching)}`

function spellHolder(holder: Holder | undefined): string {
  if (holder === undefined) return '-'
  const { id, expires, lastsUntil, extensions, requests } = holder
  return [id, expires.from, expires.to, lastsUntil.from, lastsUntil.to, extensions, requests].join(' ')
}
