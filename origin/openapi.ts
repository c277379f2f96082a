// The origin's API as OpenAPI 3.1, built from the schemas that parse requests and from those of the answers. A test compares
// its operations with the routes of the application. Pages are left out: they are for people.

import { z } from 'zod'
import { SEATS_PER_HOLD_MOST } from './config.ts'
import { holdBody } from './holds.ts'
import { eventFile } from './import/event-file.ts'
import * as orderShapes from './openapi-orders.ts'
import * as outboxShapes from './openapi-outbox.ts'
import { reconciled } from './openapi-reconcile.ts'
import * as shapes from './openapi-schemas.ts'
import { orderRequest } from './orders/place.ts'
import { refundRequest } from './orders/refund-request.ts'
import { voidRequest } from './orders/resolve.ts'
import { verifyRequest } from './routes/tickets.ts'
import { seatsAnswer, seatsBody } from './set-seats.ts'

type Access = 'admission' | 'admin' | 'door' | 'link' | 'signature' | 'public'

interface Operation {
  readonly method: 'get' | 'post' | 'delete'
  /** As OpenAPI writes it, with `{id}`. */
  readonly path: string
  readonly summary: string
  readonly access: Access
  readonly headers?: readonly string[]
  readonly optionalHeaders?: readonly string[]
  readonly query?: readonly string[]
  /** Name → schema of the data of each event, where 200 is a stream of them. */
  readonly events?: Readonly<Record<string, z.ZodType>>
  readonly body?: z.ZodType
  /** Status → schema of its body; `null` for none. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
  /** Statuses of its own, beyond those that follow from `access` and `body`. */
  readonly problems?: readonly number[]
}

/** What the gate answers stands here too: 429 is `waiting_room`, 503 a closed or sold-out room. */
const PROBLEMS_OF_ACCESS: Readonly<Record<Access, readonly number[]>> = {
  admission: [401, 429, 503],
  admin: [401, 429, 503],
  door: [401, 429, 503],
  link: [404, 503],
  signature: [400, 413, 503],
  public: [],
}
const PROBLEMS_OF_BODY = [400, 413, 415, 422] as const

const SEAT_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/performances/{id}/availability',
    summary: 'State of every seat, or what changed since a version; carries an ETag',
    access: 'admission',
    query: ['since'],
    optionalHeaders: ['If-None-Match'],
    answers: { 200: shapes.availability, 304: null },
    problems: [404, 422],
  },
  {
    method: 'get',
    path: '/api/performances/{id}/availability/stream',
    summary:
      'Server-sent events `seats`: at first the whole or what changed since the last event, then what changes; 503 where the isolate has no stream left',
    access: 'admission',
    query: ['since'],
    optionalHeaders: ['Last-Event-ID'],
    answers: {},
    events: { seats: shapes.availability },
    problems: [404, 422],
  },
  {
    method: 'post',
    path: '/api/performances/{id}/holds',
    summary:
      'Hold seats for some minutes: named ones, the best for a party, or places in general areas; all of them or none, unless `partial`. 409 with `conflicts` (seat, state), with `free` for a party, with `areas` (section, free) for areas; 422 with `held` and `limit` where the visitor would hold too many',
    access: 'admission',
    optionalHeaders: ['Idempotency-Key'],
    // The most that any deployment may allow; this one's own limit is in the refusal.
    body: holdBody(SEATS_PER_HOLD_MOST),
    answers: { 201: shapes.hold },
    problems: [403, 404, 409],
  },
  {
    method: 'get',
    path: '/api/holds/{id}',
    summary: 'A hold of one’s own',
    access: 'admission',
    answers: { 200: shapes.hold },
    problems: [404, 409],
  },
  {
    method: 'post',
    path: '/api/holds/{id}/extend',
    summary:
      'Extend a hold up to its ceiling, as often as `extensionsLeft` says; a repeat with the same key counts once',
    access: 'admission',
    optionalHeaders: ['Idempotency-Key'],
    answers: { 200: shapes.holdTimes },
    problems: [400, 403, 404, 409],
  },
  {
    method: 'delete',
    path: '/api/holds/{id}',
    summary: 'Give the seats of a hold back; cancels its order while that awaits its payment',
    access: 'admission',
    answers: { 204: null },
    problems: [403, 404, 409],
  },
]

const ADMIN_SEAT_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/admin/performances/{id}/seats',
    summary:
      'Release seats, block them, or keep them for the house or for those who need accessible ones; 409 with `conflicts` for sold ones',
    access: 'admin',
    body: seatsBody,
    answers: { 200: seatsAnswer },
    problems: [404, 409],
  },
]

const ADMIN_ORDER_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/admin/orders',
    summary:
      'Orders, latest first; `status=stuck` are those that wait for a person, by themselves or by a refund',
    access: 'admin',
    query: ['status', 'number', 'performance', 'limit', 'before'],
    answers: { 200: orderShapes.adminOrders },
    problems: [422],
  },
  {
    method: 'get',
    path: '/api/admin/orders/{id}',
    summary: 'All that is known of an order, by its number, with what the provider says now',
    access: 'admin',
    answers: { 200: orderShapes.adminOrder },
    problems: [404],
  },
  {
    method: 'post',
    path: '/api/admin/orders/{id}/resume',
    summary: 'Let a stuck order, and its stuck refunds, go on; may be repeated',
    access: 'admin',
    answers: { 200: orderShapes.adminOrder },
    problems: [404],
  },
  {
    method: 'post',
    path: '/api/admin/orders/{id}/void',
    summary: 'Decide not to sell an order for which nothing was captured; may be repeated',
    access: 'admin',
    body: voidRequest,
    answers: { 200: orderShapes.adminOrder },
    problems: [404, 409, 502],
  },
  {
    method: 'post',
    path: '/api/admin/orders/{id}/refunds',
    summary: 'Give the money of a paid order back, of all its seats or of some; they are for sale again',
    access: 'admin',
    headers: ['Idempotency-Key'],
    body: refundRequest,
    answers: { 201: orderShapes.refund },
    problems: [404, 409, 502],
  },
]

export const OPERATIONS: readonly Operation[] = [
  ...ADMIN_ORDER_OPERATIONS,
  ...ADMIN_SEAT_OPERATIONS,
  {
    method: 'get',
    path: '/api/events',
    summary: 'Events on sale',
    access: 'admission',
    answers: { 200: z.object({ events: z.array(shapes.event) }) },
  },
  {
    method: 'get',
    path: '/api/events/{id}',
    summary: 'One event',
    access: 'admission',
    answers: { 200: shapes.event },
    problems: [404],
  },
  {
    method: 'get',
    path: '/api/events/{id}/performances',
    summary: 'Its performances by date',
    access: 'admission',
    answers: { 200: z.object({ performances: z.array(shapes.performance) }) },
    problems: [404],
  },
  {
    method: 'get',
    path: '/api/performances/{id}/seats',
    summary: 'Overview of the hall, or with `section` the seats of one section; carries an ETag',
    access: 'admission',
    query: ['section'],
    answers: { 200: z.union([shapes.overview, shapes.sectionSeats]), 304: null },
    problems: [404],
  },
  ...SEAT_OPERATIONS,
  {
    method: 'post',
    path: '/api/orders',
    summary: 'Order the seats of a hold',
    access: 'admission',
    headers: ['Idempotency-Key'],
    body: orderRequest,
    answers: { 201: shapes.order },
    problems: [403, 404, 409],
  },
  {
    method: 'get',
    path: '/api/orders/{id}',
    summary: 'An order, for whoever has its link',
    access: 'link',
    answers: { 200: shapes.order },
  },
  {
    method: 'post',
    path: '/api/orders/{id}/pay',
    summary: 'Begin the payment; answers the provider’s page',
    access: 'link',
    answers: { 202: shapes.paymentStart },
    problems: [403, 409, 502],
  },
  {
    method: 'post',
    path: '/api/orders/{id}/cancel',
    summary: 'Cancel an order that awaits its payment',
    access: 'link',
    answers: { 200: shapes.order },
    problems: [403, 409],
  },
  {
    method: 'get',
    path: '/api/orders/{id}/tickets',
    summary: 'The tickets of a paid order',
    access: 'link',
    answers: { 200: shapes.tickets },
    problems: [409],
  },
  {
    method: 'post',
    path: '/api/tickets/verify',
    summary: 'Entry at the door, once a ticket; a repeat with the same Idempotency-Key answers the same',
    access: 'door',
    optionalHeaders: ['Idempotency-Key'],
    body: verifyRequest,
    answers: { 200: shapes.entry },
  },
  {
    method: 'get',
    path: '/api/tickets/revoked',
    summary: 'Signed list of a performance’s tickets that are no longer good, for doors that check offline',
    access: 'door',
    query: ['performance'],
    answers: { 200: shapes.revocations, 304: null },
    problems: [404],
  },
  {
    method: 'get',
    path: '/api/tickets/jwks.json',
    summary: 'Public keys of the tickets',
    access: 'public',
    answers: { 200: shapes.publicKeys },
  },
  {
    method: 'post',
    path: '/webhooks/payments',
    summary: 'Events of the payment provider',
    access: 'signature',
    headers: ['Stripe-Signature'],
    answers: { 200: shapes.eventReceipt },
  },
  {
    method: 'post',
    path: '/api/admin/events/import',
    summary:
      'Bring in an event with its hall: accepted at once, done in batches; the same file again finds its import',
    access: 'admin',
    body: eventFile,
    answers: { 202: shapes.importAccepted },
  },
  {
    method: 'get',
    path: '/api/admin/imports',
    summary: 'The latest imports',
    access: 'admin',
    answers: { 200: z.object({ imports: z.array(shapes.importProgress) }) },
  },
  {
    method: 'get',
    path: '/api/admin/imports/{id}',
    summary: 'How far an import is',
    access: 'admin',
    answers: { 200: shapes.importProgress },
    problems: [404],
  },
  {
    method: 'post',
    path: '/api/admin/imports/{id}/redrive',
    summary: 'Carry on a failed import from where it stopped',
    access: 'admin',
    answers: { 202: shapes.importProgress },
    problems: [404, 409],
  },
  {
    method: 'get',
    path: '/api/admin/dead-letters',
    summary:
      'Messages that a consumer has given up: the latest 100, or `limit`; `before` a time for older ones',
    access: 'admin',
    query: ['stream', 'consumer', 'state', 'limit', 'before'],
    answers: { 200: outboxShapes.deadLetters },
    problems: [422],
  },
  {
    method: 'post',
    path: '/api/admin/dead-letters/{id}/redrive',
    summary: 'Have a message delivered again; a repeat changes nothing',
    access: 'admin',
    answers: { 202: outboxShapes.deadLetter },
    problems: [404],
  },
  {
    method: 'get',
    path: '/api/admin/totals',
    summary: 'What was sold, paid and refunded so far, and what went wrong',
    access: 'admin',
    answers: { 200: outboxShapes.totals },
  },
  {
    method: 'get',
    path: '/api/admin/reconcile',
    summary: 'What cron has repaired by itself, and what waits',
    access: 'admin',
    answers: { 200: reconciled },
  },
  {
    method: 'get',
    path: '/healthz',
    summary: 'Levels of the origin’s dependencies',
    access: 'public',
    answers: { 200: shapes.health, 503: shapes.health },
  },
]

const SECURITY: Readonly<Record<Access, readonly object[]>> = {
  admission: [{ admission: [] }],
  admin: [{ admin: [] }],
  door: [{ door: [] }, { admin: [] }],
  link: [],
  signature: [],
  public: [],
}

export function describeApi(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describeOperation(operation) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Foyer: origin', version: '1' },
    paths,
    components: {
      schemas: { Problem: jsonSchema(shapes.problem, 'output') },
      securitySchemes: {
        admission: { type: 'apiKey', in: 'header', name: 'Waiting-Room-Token' },
        admin: { type: 'http', scheme: 'bearer' },
        door: { type: 'http', scheme: 'bearer', description: 'DOOR_TOKEN: ticket checks and nothing else' },
      },
    },
  }
}

function describeOperation(operation: Operation): object {
  const parameter = (name: string, where: string, required: boolean) => ({
    name,
    in: where,
    required,
    schema: { type: 'string' },
  })
  return {
    summary: operation.summary,
    security: SECURITY[operation.access],
    parameters: [
      ...(operation.path.includes('{id}') ? [parameter('id', 'path', true)] : []),
      ...(operation.query ?? []).map((name) => parameter(name, 'query', false)),
      ...(operation.headers ?? []).map((name) => parameter(name, 'header', true)),
      ...(operation.optionalHeaders ?? []).map((name) => parameter(name, 'header', false)),
    ],
    ...(operation.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: jsonSchema(operation.body, 'input') } },
      },
    }),
    responses: {
      ...Object.fromEntries(problemsOf(operation).map((status) => [status, PROBLEM])),
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, schema]) => [status, describeAnswer(schema)]),
      ),
      ...(operation.events && { 200: describeEvents(operation.events) }),
    },
  }
}

/** Every status of a refusal that the operation may answer. */
export function problemsOf({ access, body, problems = [] }: Operation): readonly number[] {
  return [...PROBLEMS_OF_ACCESS[access], ...(body === undefined ? [] : PROBLEMS_OF_BODY), ...problems]
}

const PROBLEM = {
  description: 'Problem; a browser that navigates gets a page with the same status',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

const describeAnswer = (schema: z.ZodType | null) =>
  schema === null
    ? { description: 'Nothing more to say' }
    : { description: 'Done', content: { 'application/json': { schema: jsonSchema(schema, 'output') } } }

/** OpenAPI 3.1 has no word for the events of a stream: their data is described in an extension. */
const describeEvents = (events: Readonly<Record<string, z.ZodType>>) => ({
  description: `Events: ${Object.keys(events).join(', ')}; the data of each is JSON`,
  content: {
    'text/event-stream': {
      schema: { type: 'string' },
      'x-event-data': Object.fromEntries(
        Object.entries(events).map(([name, schema]) => [name, jsonSchema(schema, 'output')]),
      ),
    },
  },
})

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' })
