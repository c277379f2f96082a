import { expect, test } from 'vitest'

/** Loaded by address: the edge is type-checked against the Workers' types, not against Node's and the DOM's. */
const load = (file: string) => import(new URL(`../../../edge/${file}`, import.meta.url).href)

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
  readonly parameters: readonly { readonly name: string }[]
  readonly responses: Readonly<Record<string, unknown>>
}
const api: { describeApi(): { paths: Record<string, Record<string, Operation>> } } = await load('openapi.ts')
const { paths } = api.describeApi()

test('every route is described, and everything described is a route', async () => {
  const app: { routes: { routes: readonly { method: string; path: string }[] } } = await load('app.ts')
  const served = app.routes.routes.map(
    ({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`,
  )
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  )
  expect(served.length).toBeGreaterThan(10)
  expect(described.toSorted()).toEqual(served.toSorted())
})

test('answers have schemas, parameters are named, problems list their codes', () => {
  expect(paths['/.waiting-room/{room}/join']?.['post']).toMatchObject({
    parameters: [{ name: 'room' }, { name: 'Idempotency-Key' }],
    responses: {
      201: {
        content: { 'application/json': { schema: { properties: { queueToken: { type: 'string' } } } } },
      },
      410: { description: 'code: call_missed' },
    },
  })
})

test('what a form may send is described with its way back, and nothing else is a form', () => {
  const forms = Object.entries(paths).flatMap(([path, operations]) =>
    Object.values(operations)
      .filter(({ requestBody }) => requestBody?.content['application/x-www-form-urlencoded'] !== undefined)
      .map(({ responses }) => [path, Object.keys(responses).includes('303')]),
  )
  expect(forms).toEqual([
    ['/.waiting-room/{room}/join', true],
    ['/.waiting-room/{room}/leave', true],
  ])
  expect(paths['/.waiting-room/{room}/leave']?.['post']).toMatchObject({
    requestBody: {
      content: { 'application/x-www-form-urlencoded': { schema: { required: ['next'] } } },
    },
    responses: { 204: {}, 303: { headers: { Location: {} } } },
  })
})
