// The marks of a seat in the map: one character each, by ordinal. Read by whoever reads or shows a map.

/** `accessible`: free, for those who say that they need it. */
export const SEAT_STATES = { f: 'free', a: 'accessible', h: 'held', s: 'sold', b: 'blocked' } as const
export const SEAT_MARKS = ['f', 'a', 'h', 's', 'b'] as const satisfies readonly (keyof typeof SEAT_STATES)[]
export type SeatMark = (typeof SEAT_MARKS)[number]
/** What a seat can be while nobody has it. */
export type BaseMark = Exclude<SeatMark, 'h' | 's'>
export type SeatState = (typeof SEAT_STATES)[SeatMark]
