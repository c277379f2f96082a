// `GET /openapi.json`: the description of this Worker's API, made once per isolate. Needs no configuration.

import { Hono } from 'hono'
import type { OriginEnv } from '../env.ts'
import { describeApi } from '../openapi.ts'

let description: object | undefined

export const openapiRoutes = new Hono<OriginEnv>().get('/openapi.json', (c) => {
  description ??= describeApi()
  return c.json(description, 200, { 'cache-control': 'public, max-age=300' })
})
