// The edge's own description (OpenAPI 3.1) at `/.waiting-room/openapi.json`, built from the schemas that the routes use.
// `/openapi.json` itself belongs to the origin and passes the gate by a bypass rule. A test holds it against the routes.

import { Hono } from 'hono'
import { z } from 'zod'
import { liveSettings } from '../src/config/room.ts'
import { PROBLEMS, type ProblemCode } from '../src/problem.ts'
import type { EdgeEnv } from './env.ts'
import { joined, queueView } from './queue-view.ts'
import { settingsChange } from './settings-change.ts'

const count = z.int().min(0)
const snapshot = z.object({
  room: z.string(),
  sale: z.string(),
  epoch: count,
  at: count.describe('Redis time at which it was computed (ms since 1970).'),
  state: z.enum(['idle', 'open', 'paused', 'recovering', 'closed', 'sold_out', 'suspended']),
  serving: count.describe('The place up to which visitors have been called (µs).'),
  waiting: count,
  called: count,
  sessions: count,
  calledTotal: count,
  leftTotal: count,
  admittedPerMinute: z.number(),
  front: z.array(count).describe('Places of the first 50 waiting, in order.'),
  stock: z.null(),
  message: z.string(),
  pollAfterMs: count,
  degraded: z.boolean().describe('This copy could not be refreshed and may be old.'),
})
const instant = z.iso.datetime()
const admission = z.object({ admissionToken: z.string(), expiresAt: instant, sessionEndsAt: instant })
const adminRoom = z.object({
  room: z.string(),
  baseline: liveSettings,
  live: liveSettings.partial(),
  effective: liveSettings,
  snapshot,
})
const health = z.object({ status: z.enum(['ok', 'failing']), levels: z.record(z.string(), z.string()) })

type Caller = 'anyone' | 'queue' | 'pass' | 'admin'
interface Described {
  readonly summary: string
  readonly caller?: Caller
  readonly body?: z.ZodType
  readonly idempotencyKey?: true
  /** Status → schema of its body; `null` for none. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
  readonly problems?: readonly ProblemCode[]
}

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
  [`${room}/status`]: {
    get: {
      summary: 'The place of the caller, computed from the token and the snapshot.',
      caller: 'queue',
      answers: { 200: queueView },
      problems: [...FEW, 'token_invalid', 'not_in_queue'],
    },
  },
  [`${room}/claim`]: {
    post: {
      summary: 'Turns a call into an admission; the same call may be claimed again.',
      caller: 'queue',
      body: z.strictObject({}),
      answers: { 200: admission, 202: queueView.extend({ queueToken: z.string().optional() }) },
      problems: [...FEW, ...CHANGE, 'token_missing', 'token_invalid', 'admission_required', 'call_missed'],
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
  { summary, caller = 'anyone', body, idempotencyKey, answers, problems = [] }: Described,
  path: string,
) {
  return {
    summary,
    ...(caller !== 'anyone' && { security: caller === 'queue' ? [{ queue: [] }, {}] : [{ [caller]: [] }] }),
    parameters: [
      ...(path.includes('{room}')
        ? [{ name: 'room', in: 'path', required: true, schema: { type: 'string' } }]
        : []),
      ...(idempotencyKey === true ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body && { requestBody: { content: { 'application/json': { schema: jsonSchema(body) } } } }),
    responses: { ...mapValues(answers, answer), ...problemAnswers(problems) },
  }
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Required without a queue token: at least 128 random bits; the same key is the same visitor.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{22,128}$' },
}

const answer = (schema: z.ZodType | null) =>
  schema === null
    ? { description: 'Nothing more to say.' }
    : { description: 'Done.', content: { 'application/json': { schema: jsonSchema(schema) } } }

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
