// Takes the seats that a body asks for, in whichever of the three ways, or throws the Problem that says why it cannot be.
// Called by `POST …/holds`, which has checked who asks. What the body names is looked up in the catalogue; Redis decides.

import { Problem, type FieldError } from '../src/problem.ts'
import type { HoldAreasOutcome, HoldBestOutcome, HoldOutcome, TakeRequest } from '../src/redis/seats.ts'
import { holdEnded, notAdmitted } from './admission.ts'
import type { Performance, SeatDescription } from './catalogue.ts'
import { findHallParts } from './hall-parts.ts'
import { findSeatsById, findSeatsByOrdinal, type HallSources } from './hall-seats.ts'
import type { HoldBody } from './holds.ts'
import { withSeatsLoaded, type SeatSources } from './load-seats.ts'

type Held = Extract<HoldOutcome, { status: 'held' }>

export interface TakenHold {
  readonly held: Held
  /** Of the hold, by ordinal. */
  readonly seats: readonly SeatDescription[]
  /** Of a partial hold: what it did not get. */
  readonly conflicts?: readonly { readonly seat: string; readonly state: string }[]
}

type Sources = SeatSources & HallSources
type Asked = TakeRequest & { readonly sessionLimit: number }

/** Throws `seats_taken`, `validation_failed`, `hold_expired`, `idempotency_key_reused`, `admission_required`. */
export async function takeHold(
  sources: Sources,
  performance: Performance,
  { body, asked }: { body: HoldBody; asked: Asked },
): Promise<TakenHold> {
  if (body.seats !== undefined) return takeNamed(sources, performance, { body, ids: body.seats, asked })
  const { outcome, quantity, field } =
    body.bestAvailable !== undefined
      ? await takeBest(sources, performance, { body, wish: body.bestAvailable, asked })
      : await takeAreas(sources, performance, { areas: body.areas ?? [], asked })
  const held = heldOrRefused(outcome, performance, { asked, quantity, field })
  return { held, seats: await findSeatsByOrdinal(sources, performance, held.ordinals) }
}

async function takeNamed(
  sources: Sources,
  performance: Performance,
  { body, ids, asked }: { body: HoldBody; ids: readonly string[]; asked: Asked },
): Promise<TakenHold> {
  const named = await findSeats(sources, performance, ids)
  const { partial = false, accessible = false } = body
  const request = { ...asked, ordinals: named.map(({ ordinal }) => ordinal), partial, accessible }
  const outcome = await withSeatsLoaded(sources, performance, () =>
    sources.seats.hold(performance.id, request),
  )
  const show = (conflicts: Held['conflicts']) =>
    conflicts.map(({ ordinal, state }) => ({ seat: seatId(named, ordinal), state }))
  if (outcome.status === 'conflict') throw seatsTaken(show(outcome.conflicts))
  const held = heldOrRefused(outcome, performance, { asked, quantity: ids.length, field: '/seats' })
  return {
    held,
    seats: named.filter(({ ordinal }) => held.ordinals.includes(ordinal)),
    ...(partial && { conflicts: show(held.conflicts) }),
  }
}

async function takeBest(
  sources: Sources,
  performance: Performance,
  { body, wish, asked }: { body: HoldBody; wish: NonNullable<HoldBody['bestAvailable']>; asked: Asked },
) {
  const { quantity, section, tier } = wish
  const parts = await findHallParts(sources.catalogue, performance)
  refuseUnknown([
    ...(section === undefined || parts.sections.has(section)
      ? []
      : [{ field: '/bestAvailable/section', message: `"${section}" is not a section of this hall` }]),
    ...(tier === undefined || parts.tiers.has(tier)
      ? []
      : [{ field: '/bestAvailable/tier', message: `"${tier}" is not a price tier of this performance` }]),
  ])
  const request = {
    ...asked,
    quantity,
    accessible: body.accessible ?? false,
    // Nobody else's, so that many who ask at once do not all want the same seats.
    seed: asked.holdId,
    ...(section !== undefined && { section }),
    ...(tier !== undefined && { tier }),
  }
  const outcome = await withSeatsLoaded(sources, performance, () =>
    sources.seats.holdBest(performance.id, request),
  )
  return { outcome, quantity, field: '/bestAvailable/quantity' }
}

async function takeAreas(
  sources: Sources,
  performance: Performance,
  { areas, asked }: { areas: NonNullable<HoldBody['areas']>; asked: Asked },
) {
  const { sections } = await findHallParts(sources.catalogue, performance)
  refuseUnknown(
    areas.flatMap(({ section }, at) =>
      sections.get(section) === 'general'
        ? []
        : [{ field: `/areas/${at}/section`, message: `"${section}" is not a general area of this hall` }],
    ),
  )
  const outcome = await withSeatsLoaded(sources, performance, () =>
    sources.seats.holdAreas(performance.id, { ...asked, areas }),
  )
  return { outcome, quantity: areas.reduce((sum, area) => sum + area.quantity, 0), field: '/areas' }
}

type Refusable = Exclude<
  HoldOutcome | HoldBestOutcome | HoldAreasOutcome,
  { status: 'conflict' | 'unloaded' }
>

function heldOrRefused(
  outcome: Refusable,
  performance: Performance,
  { asked, quantity, field }: { asked: Asked; quantity: number; field: string },
): Held {
  switch (outcome.status) {
    case 'held':
      return outcome
    case 'none':
      throw new Problem('seats_taken', {
        detail: `${outcome.free} such seats are free, and ${quantity} were asked for; none was held.`,
        extensions: { free: outcome.free },
      })
    case 'short':
      throw new Problem('seats_taken', {
        detail: 'Some of these areas have fewer places than asked for; none was held.',
        extensions: { areas: outcome.areas },
      })
    case 'limit':
      throw tooManySeats(outcome.seatsHeld, { quantity, limit: asked.sessionLimit, field })
    case 'gone':
      throw holdEnded()
    case 'reused':
      throw new Problem('idempotency_key_reused', {
        detail: 'This Idempotency-Key was used for other seats; use a new one for another hold.',
      })
    case 'session_ended':
      throw notAdmitted(performance.room)
  }
}

/** The asked seats by ordinal, with what they cost. Throws `validation_failed` naming each seat that the hall lacks. */
async function findSeats(sources: Sources, performance: Performance, ids: readonly string[]) {
  const { seats, unknown } = await findSeatsById(sources, performance, ids)
  refuseUnknown(
    unknown.map((id) => ({
      field: `/seats/${ids.indexOf(id)}`,
      message: `"${id}" is not a seat of this hall`,
    })),
  )
  return seats
}

function refuseUnknown(errors: readonly FieldError[]): void {
  if (errors.length === 0) return
  throw new Problem('validation_failed', {
    detail: `The hall does not have what is asked for: ${errors.map(({ message }) => message).join('; ')}.`,
    errors,
  })
}

function seatId(seats: readonly SeatDescription[], ordinal: number): string {
  const seat = seats.find((candidate) => candidate.ordinal === ordinal)
  if (seat === undefined) throw new Error(`a conflict names seat ${ordinal}, which was not asked for`)
  return seat.id
}

const seatsTaken = (conflicts: readonly { seat: string; state: string }[]): Problem =>
  new Problem('seats_taken', {
    detail: `${conflicts.length === 1 ? 'One of these seats is' : `${conflicts.length} of these seats are`} not free; none was held.`,
    extensions: { conflicts },
  })

const tooManySeats = (
  held: number,
  { quantity, limit, field }: { quantity: number; limit: number; field: string },
): Problem =>
  new Problem('validation_failed', {
    detail: `One visitor may hold ${limit} seats of this performance at a time; this one holds ${held} and asked for ${quantity} more. None was held: give some back first.`,
    errors: [{ field, message: `would exceed ${limit} seats held at a time` }],
    extensions: { held, limit },
  })
