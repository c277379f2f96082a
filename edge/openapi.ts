// The edge's own description (OpenAPI 3.1) at `/.waiting-room/openapi.json`, built from the schemas that the routes use.
// `/openapi.json` itself belongs to the origin and passes the gate by a bypass rule. A test holds it against the routes.

import { Hono } from 'hono'
import { z } from 'zod'
import { liveSettings } from '../src/config/room.ts'
import { drawDocument } from '../src/draw/document.ts'
import { PROBLEMS, type ProblemCode } from '../src/problem.ts'
import type { EdgeEnv } from './env.ts'
import { joined, queueView } from './queue-view.ts'
import { settingsChange } from './settings-change.ts'

const count = z.int().min(0)
const draw = z
  .object({
    commitment: z.string().nullable().describe("SHA-256 of the secret's text."),
    head: z.string().nullable().describe('SHA-256 of the entry file so far; null before the first entry.'),
    entries: count,
    header: z.string().nullable().describe('First line of the entry file: the terms.'),
    round: count.nullable().describe("The beacon's round, later than the closing."),
    beacon: z.string().nullable().describe("The round's randomness, once it is known."),
    secret: z.string().nullable().describe('Null until the draw is complete.'),
    complete: z.boolean(),
  })
  .describe('Public side of a lottery; all hashes in lower-case hex.')
const snapshot = z.object({
  room: z.string(),
  sale: z.string(),
  epoch: count,
  at: count.describe('Redis time at which it was computed (ms since 1970).'),
  state: queueView.shape.roomState,
  prequeueAt: count.nullable(),
  startsAt: count.nullable().describe('When the sale opens (ms since 1970).'),
  endsAt: count.nullable(),
  serving: count.describe('The place up to which visitors have been called (µs).'),
  waiting: count,
  called: count,
  sessions: count,
  calledTotal: z.int().describe('Calls less late returns.'),
  leftTotal: z.int().describe('Departures before the call, less returns into the middle.'),
  departures: z
    .array(z.tuple([count, count, z.int()]))
    .describe('Where they stood: from place, to place, how many; in order.'),
  ratePerMinute: z.number().describe('Calls a minute that the settings allow now.'),
  free: count.describe('Slots that nobody has.'),
  admittedPerMinute: z.number().describe('As measured.'),
  front: z.array(count).describe('Places of the first 50 waiting, in order.'),
  stock: z
    .object({ left: count, held: count })
    .nullable()
    .describe('Seats to be had, and in holds; null where none are reported.'),
  draw: draw.nullable(),
  message: z.string(),
  pollAfterMs: count,
  degraded: z.boolean().describe('This copy could not be refreshed and may be old.'),
})
const instant = z.iso.datetime()
const admission = z.object({ admissionToken: z.string(), expiresAt: instant, sessionEndsAt: instant })
const armed = z.object({
  rooms: z.array(z.object({ room: z.string(), sale: z.string(), outcome: z.enum(['armed', 'known']) })),
})
const adminRoom = z.object({
  room: z.string(),
  baseline: liveSettings.partial({ event_start_time: true, event_end_time: true }),
  live: liveSettings.partial(),
  effective: liveSettings.partial({ event_start_time: true, event_end_time: true }),
  log: z
    .array(z.object({ at: instant, setting: z.string(), value: z.unknown() }))
    .describe('Changes of settings, oldest first; `deployed` and `restored` hold several.'),
  reserved: count.describe('Slots kept after a loss for sessions that have not been heard of since.'),
  ending: count.describe(
    'Slots of sessions that have ended, of which an admission token may still be alive.',
  ),
  snapshot,
})
const health = z.object({
  status: z.enum(['ok', 'failing']),
  levels: z.record(z.string(), z.string()),
  warnings: z
    .array(z.string())
    .optional()
    .describe(
      'Settings of rooms that can hardly be meant; draws that stand still; sales that were replaced.',
    ),
})

type Caller = 'anyone' | 'queue' | 'pass' | 'admin'
interface Described {
  readonly summary: string
  readonly caller?: Caller
  readonly body?: z.ZodType
  /** Fields of the form that a browser without JavaScript may send in place of the body; it is answered 303. */
  readonly form?: z.ZodType
  readonly idempotencyKey?: true
  readonly lastEventId?: true
  /** Name → schema of the data of each event, where 200 is a stream of them. */
  readonly events?: Readonly<Record<string, z.ZodType>>
  /** Status → schema of its body; `null` for none. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
  readonly problems?: readonly ProblemCode[]
}

const next = z
  .string()
  .describe('Path and query on this host that the answer leads to; anything else leads to "/".')

const FEW = ['room_unknown', 'store_unavailable', 'busy'] as const
const CHANGE = [
  'cross_site',
  'invalid_json',
  'body_too_large',
  'unsupported_media_type',
  'validation_failed',
] as const
const room = '/.waiting-room/{room}'
const adminPath = '/.waiting-room/admin/rooms/{room}'

const DESCRIBED: Readonly<Record<string, Readonly<Record<string, Described>>>> = {
  [`${room}/join`]: {
    post: {
      summary: 'Takes a place in the queue, or finds the one that the visitor has.',
      caller: 'queue',
      body: z.strictObject({}),
      form: z.object({ next: next.optional() }),
      idempotencyKey: true,
      answers: { 201: joined },
      problems: [
        ...FEW,
        ...CHANGE,
        'idempotency_key_missing',
        'idempotency_key_invalid',
        'token_invalid',
        'call_missed',
        'rate_limited',
        'room_closed',
        'sold_out',
      ],
    },
  },
  [`${room}/now`]: {
    get: {
      summary: 'The public snapshot, the same for everyone.',
      answers: { 200: snapshot, 304: null },
      problems: FEW,
    },
  },
  [`${room}/draw`]: {
    get: {
      summary: 'The public document of a lottery: what anybody needs to compute its order again.',
      answers: { 200: drawDocument },
      problems: [...FEW, 'draw_none'],
    },
  },
  [`${room}/draw/entries`]: {
    get: {
      summary:
        'The entry file as text, once the entries have closed; `?head=` asks for the one with this head.',
      answers: { 200: z.string() },
      problems: [...FEW, 'draw_none', 'draw_not_closed', 'draw_entries_lost', 'not_found'],
    },
  },
  [`${room}/status`]: {
    get: {
      summary: 'The place of the caller, computed from the token and the snapshot.',
      caller: 'queue',
      answers: { 200: queueView },
      problems: [...FEW, 'token_invalid', 'not_in_queue'],
    },
  },
  [`${room}/stream`]: {
    get: {
      summary:
        'Server-sent events for programs: `waiting` when place or room changed, `admitted` when called.',
      caller: 'queue',
      lastEventId: true,
      answers: {},
      events: { waiting: queueView, admitted: queueView.extend({ claimUrl: z.string() }) },
      problems: [...FEW, 'token_invalid', 'not_in_queue'],
    },
  },
  [`${room}/claim`]: {
    post: {
      summary: 'Turns a call into an admission; the same call may be claimed again.',
      caller: 'queue',
      body: z.strictObject({}),
      answers: { 200: admission, 202: queueView.extend({ queueToken: z.string().optional() }) },
      problems: [
        ...FEW,
        ...CHANGE,
        'token_missing',
        'token_invalid',
        'admission_required',
        'call_missed',
        'rate_limited',
      ],
    },
  },
  [`${room}/renew`]: {
    post: {
      summary: 'A new admission token for a session that still lives.',
      caller: 'pass',
      body: z.strictObject({}),
      answers: { 200: admission },
      problems: [...FEW, ...CHANGE, 'token_missing', 'token_invalid', 'admission_required'],
    },
  },
  [`${room}/leave`]: {
    post: {
      summary: 'Gives up the place, or ends the session.',
      caller: 'queue',
      body: z.strictObject({}),
      form: z.object({ next }),
      answers: { 204: null },
      problems: [...FEW, ...CHANGE, 'token_invalid'],
    },
  },
  '/.waiting-room/jwks.json': {
    get: {
      summary: 'Public keys of admission tokens.',
      answers: { 200: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }) },
    },
  },
  '/.waiting-room/openapi.json': {
    get: { summary: 'This description.', answers: { 200: z.record(z.string(), z.unknown()) } },
  },
  '/healthz': { get: { summary: 'Levels of what the edge needs.', answers: { 200: health, 503: health } } },
  [adminPath]: {
    get: admin('The settings of a room: baseline, live, effective.'),
    patch: {
      ...admin('Sets live settings; null returns one to its baseline.'),
      body: settingsChange,
      problems: [...FEW, ...CHANGE, 'admin_required', 'rate_limited'],
    },
    delete: admin('Returns every live setting to its baseline.'),
  },
  '/.waiting-room/admin/arm': {
    post: {
      ...admin(
        'Tells empty stores that their rooms are new: a deployment’s last step. A repeat changes nothing.',
      ),
      answers: { 200: armed },
    },
  },
  [`${adminPath}/visitors/{visitor}`]: {
    delete: {
      ...admin(
        'Ends the session of a visitor, or takes it out of the queue; a slot is free when its last token has ended.',
      ),
      answers: { 204: null },
      problems: [...FEW, 'bad_request', 'admin_required', 'rate_limited'],
    },
  },
}

function admin(summary: string): Described {
  return {
    summary,
    caller: 'admin',
    answers: { 200: adminRoom },
    problems: [...FEW, 'admin_required', 'rate_limited'],
  }
}

export const openapiRoutes = new Hono<EdgeEnv>().get('/.waiting-room/openapi.json', (c) => {
  c.header('cache-control', 'public, max-age=300')
  return c.json(describeApi(), 200)
})

/** The OpenAPI document. */
export function describeApi() {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Foyer: the edge',
      version: '1',
      description: 'The queue in front of a sale. Every other address passes the gate to the origin.',
    },
    paths: mapValues(DESCRIBED, (operations, path) =>
      mapValues(operations, (described) => operation(described, path)),
    ),
    components: {
      securitySchemes: {
        queue: { type: 'http', scheme: 'bearer', description: 'The queue token; browsers send its cookie.' },
        pass: { type: 'apiKey', in: 'header', name: 'Waiting-Room-Token' },
        admin: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN of the deployment.' },
      },
      schemas: { Problem: PROBLEM },
    },
  }
}

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457. Programs read `code`.',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: Object.keys(PROBLEMS) },
    detail: { type: 'string' },
    errors: { type: 'array', items: { type: 'object' } },
  },
}

function operation(
  {
    summary,
    caller = 'anyone',
    body,
    form,
    idempotencyKey,
    lastEventId,
    answers,
    events,
    problems = [],
  }: Described,
  path: string,
) {
  return {
    summary,
    ...(caller !== 'anyone' && { security: caller === 'queue' ? [{ queue: [] }, {}] : [{ [caller]: [] }] }),
    parameters: [
      ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...(idempotencyKey === true ? [IDEMPOTENCY_KEY] : []),
      ...(lastEventId === true ? [LAST_EVENT_ID] : []),
    ],
    ...(body && {
      requestBody: {
        content: {
          'application/json': { schema: jsonSchema(body) },
          ...(form && { 'application/x-www-form-urlencoded': { schema: jsonSchema(form) } }),
        },
      },
    }),
    responses: {
      ...mapValues(answers, answer),
      ...(form && { 303: WAY_BACK }),
      ...(events && { 200: eventAnswer(events) }),
      ...problemAnswers(problems),
    },
  }
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Required without a queue token: at least 128 random bits; the same key is the same visitor.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{22,128}$' },
}

const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  description: 'The id of the last event that came, so that a view that did not change is not repeated.',
  schema: { type: 'string' },
}

const WAY_BACK = {
  description: 'To a form: done, and back to the address in `next`.',
  headers: { Location: { schema: { type: 'string' } } },
}

/** OpenAPI 3.1 has no word for the events of a stream: their data is described in an extension. */
const eventAnswer = (events: Readonly<Record<string, z.ZodType>>) => ({
  description: `Events: ${Object.keys(events).join(', ')}; the data of each is JSON.`,
  content: {
    'text/event-stream': { schema: { type: 'string' }, 'x-event-data': mapValues(events, jsonSchema) },
  },
})

const answer = (schema: z.ZodType | null) =>
  schema === null
    ? { description: 'Nothing more to say.' }
    : { description: 'Done.', content: { [contentType(schema)]: { schema: jsonSchema(schema) } } }
const contentType = (schema: z.ZodType) => (schema instanceof z.ZodString ? 'text/plain' : 'application/json')

function problemAnswers(codes: readonly ProblemCode[]) {
  const byStatus = Object.groupBy(codes, (code) => String(PROBLEMS[code][0]))
  return mapValues(byStatus, (same = []) => ({
    description: `code: ${same.join(', ')}`,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }))
}

const jsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' })

const mapValues = <Value, Mapped>(
  record: Readonly<Record<string, Value>>,
  map: (value: Value, key: string) => Mapped,
) => Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]))
