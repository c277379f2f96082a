// Spells every Redis key, once. `docs/redis-keys.md` lists each: type, score, TTL, writer, reader.
// Keys of a room share the hash tag {room}, keys of a performance {performance}, so that a script stays on one shard.

import type { RoomId } from '../ids.ts'

/** Keys of a waiting room, in the order in which the queue scripts take them. */
export function roomKeys(room: RoomId) {
  const key = (name: string) => `wr:{${room}}:${name}`
  return {
    state: key('state'),
    queue: key('queue'),
    called: key('called'),
    missed: key('missed'),
    sessions: key('sessions'),
    ended: key('ended'),
    /** HASH visitor, once called → place, whether the late return is used, start of the session. */
    places: key('places'),
    snapshot: key('snapshot'),
    /** LIST of changes of settings, by deployment and by the admin API, capped. */
    log: key('log'),
    /** LIST of visitors who entered the draw, in order. */
    entries: key('entries'),
  } as const
}

/** Keys of a performance's seats, in the order in which the seat scripts take them. */
export function performanceKeys(performance: string) {
  const key = (name: string) => `seats:{${performance}}:${name}`
  return {
    /** STRING, one character a seat by ordinal. */
    map: key('map'),
    /** ZSET hold → when it is due: its expiry, or the end of what is remembered of it (ms). */
    holds: key('holds'),
    /** HASH hold → its record, seat ordinal → its holder and fence. */
    holders: key('holders'),
    /** HASH version, seats. */
    state: key('state'),
    /** LIST of the latest deltas, capped. */
    deltas: key('deltas'),
    /** STRING like the map: what each seat is while nobody has it. */
    base: key('base'),
    /** STRING, the rows and areas of the hall, for choosing seats. */
    layout: key('layout'),
  } as const
}

/** STREAM of what Postgres has decided, relayed from the outbox for consumers. */
export const OUTBOX_STREAM = 'outbox'

/** STREAM of the batches of imports that are under way. */
export const IMPORT_STREAM = 'imports'

/** STRING, an answer of the catalogue as JSON, for some seconds. */
export const catalogueKey = (what: string): string => `catalogue:${what}`
