// The marks of a seat in the map: one character each, by ordinal. Read by whoever reads or shows a map.

export const SEAT_STATES = { f: 'free', h: 'held', s: 'sold', b: 'blocked' } as const
export const SEAT_MARKS = ['f', 'h', 's', 'b'] as const satisfies readonly (keyof typeof SEAT_STATES)[]
export type SeatMark = (typeof SEAT_MARKS)[number]
export type SeatState = (typeof SEAT_STATES)[SeatMark]
