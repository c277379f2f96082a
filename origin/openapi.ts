// The origin's API as OpenAPI 3.1, built from the schemas that parse requests and from those of the answers. A test compares
// its operations with the routes of the application. Pages are left out: they are for people.

import { z } from 'zod'
import { eventFile } from './import/event-file.ts'
import * as shapes from './openapi-schemas.ts'
import { orderRequest } from './orders/place.ts'
import { verifyRequest } from './routes/tickets.ts'

type Access = 'admission' | 'admin' | 'link' | 'signature' | 'public'

interface Operation {
  readonly method: 'get' | 'post' | 'delete'
  /** As OpenAPI writes it, with `{id}`. */
  readonly path: string
  readonly summary: string
  readonly access: Access
  readonly headers?: readonly string[]
  readonly query?: readonly string[]
  readonly body?: z.ZodType
  readonly status: number
  /** Without one, the answer has no JSON body or is described where its route lives. */
  readonly answer?: z.ZodType
  readonly problems: readonly number[]
}

/** Written by the routes of holds and availability; their bodies are described there. */
const SEAT_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/performances/{id}/availability',
    summary: 'State of every seat, or what changed since a version',
    access: 'admission',
    query: ['since'],
    status: 200,
    problems: [401, 404, 503],
  },
  {
    method: 'post',
    path: '/api/performances/{id}/holds',
    summary: 'Hold seats for some minutes: all of them or none',
    access: 'admission',
    status: 201,
    problems: [401, 404, 409, 422, 429, 503],
  },
  {
    method: 'get',
    path: '/api/holds/{id}',
    summary: 'A hold of one’s own',
    access: 'admission',
    status: 200,
    problems: [401, 404, 409, 503],
  },
  {
    method: 'post',
    path: '/api/holds/{id}/extend',
    summary: 'Extend a hold up to its ceiling',
    access: 'admission',
    status: 200,
    problems: [401, 404, 409, 503],
  },
  {
    method: 'delete',
    path: '/api/holds/{id}',
    summary: 'Give the seats of a hold back',
    access: 'admission',
    status: 204,
    problems: [401, 404, 503],
  },
]

export const OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/events',
    summary: 'Events on sale',
    access: 'admission',
    status: 200,
    answer: z.object({ events: z.array(shapes.event) }),
    problems: [401, 503],
  },
  {
    method: 'get',
    path: '/api/events/{id}',
    summary: 'One event',
    access: 'admission',
    status: 200,
    answer: shapes.event,
    problems: [401, 404, 503],
  },
  {
    method: 'get',
    path: '/api/events/{id}/performances',
    summary: 'Its performances by date',
    access: 'admission',
    status: 200,
    answer: z.object({ performances: z.array(shapes.performance) }),
    problems: [401, 404, 503],
  },
  {
    method: 'get',
    path: '/api/performances/{id}/seats',
    summary: 'Overview of the hall, or with `section` the seats of one section; carries an ETag',
    access: 'admission',
    query: ['section'],
    status: 200,
    answer: z.union([shapes.overview, shapes.sectionSeats]),
    problems: [401, 404, 503],
  },
  ...SEAT_OPERATIONS,
  {
    method: 'post',
    path: '/api/orders',
    summary: 'Order the seats of a hold',
    access: 'admission',
    headers: ['Idempotency-Key'],
    body: orderRequest,
    status: 201,
    answer: shapes.order,
    problems: [400, 401, 403, 404, 409, 413, 415, 422, 429, 503],
  },
  {
    method: 'get',
    path: '/api/orders/{id}',
    summary: 'An order, for whoever has its link',
    access: 'link',
    status: 200,
    answer: shapes.order,
    problems: [404, 503],
  },
  {
    method: 'post',
    path: '/api/orders/{id}/pay',
    summary: 'Begin the payment; answers the provider’s page',
    access: 'link',
    status: 202,
    answer: shapes.paymentStart,
    problems: [403, 404, 409, 502, 503],
  },
  {
    method: 'post',
    path: '/api/orders/{id}/cancel',
    summary: 'Cancel an order that awaits its payment',
    access: 'link',
    status: 200,
    answer: shapes.order,
    problems: [403, 404, 409, 503],
  },
  {
    method: 'get',
    path: '/api/orders/{id}/tickets',
    summary: 'The tickets of a paid order',
    access: 'link',
    status: 200,
    answer: shapes.tickets,
    problems: [404, 409, 503],
  },
  {
    method: 'post',
    path: '/api/tickets/verify',
    summary: 'Entry at the door, once a ticket',
    access: 'admin',
    body: verifyRequest,
    status: 200,
    answer: shapes.entry,
    problems: [401, 413, 415, 422, 503],
  },
  {
    method: 'get',
    path: '/api/tickets/jwks.json',
    summary: 'Public keys of the tickets',
    access: 'public',
    status: 200,
    problems: [],
  },
  {
    method: 'post',
    path: '/webhooks/payments',
    summary: 'Events of the payment provider',
    access: 'signature',
    headers: ['Stripe-Signature'],
    status: 200,
    answer: shapes.eventReceipt,
    problems: [400, 413, 503],
  },
  {
    method: 'post',
    path: '/api/admin/events/import',
    summary: 'Bring in an event with its hall',
    access: 'admin',
    body: eventFile,
    status: 200,
    answer: shapes.imported,
    problems: [401, 413, 415, 422, 503],
  },
  {
    method: 'get',
    path: '/healthz',
    summary: 'Levels of the origin’s dependencies',
    access: 'public',
    status: 200,
    answer: shapes.health,
    problems: [503],
  },
]

const SECURITY: Readonly<Record<Access, readonly object[]>> = {
  admission: [{ admission: [] }],
  admin: [{ admin: [] }],
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
  const problem = {
    description: 'Problem',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
  return {
    summary: operation.summary,
    security: SECURITY[operation.access],
    parameters: [
      ...(operation.path.includes('{id}') ? [parameter('id', 'path', true)] : []),
      ...(operation.query ?? []).map((name) => parameter(name, 'query', false)),
      ...(operation.headers ?? []).map((name) => parameter(name, 'header', true)),
    ],
    ...(operation.body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: jsonSchema(operation.body, 'input') } },
      },
    }),
    responses: {
      [operation.status]: {
        description: 'Done',
        ...(operation.answer && {
          content: { 'application/json': { schema: jsonSchema(operation.answer, 'output') } },
        }),
      },
      ...Object.fromEntries(operation.problems.map((status) => [status, problem])),
    },
  }
}

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' })
