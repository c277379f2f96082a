// A Worker with the ways to take seats that the hold is compared with: a bare script through the same client and gateway,
// a lock a seat (SET NX), and row locks in Postgres (SELECT … FOR UPDATE). Each takes `{"seats": [id, …]}` and answers 201
// or 409, for a session that the header names. Our own writing of designs that others describe; runs in benchmarks alone.

import { sql } from 'drizzle-orm'
import { Hono } from 'hono'
import { createDatabase } from '../src/db/client.ts'
import { createRedis, createScript } from '../src/redis/client.ts'

interface Env {
  Bindings: {
    readonly UPSTASH_REDIS_REST_URL: string
    readonly UPSTASH_REDIS_REST_TOKEN: string
    readonly DATABASE_URL: string
    readonly NEON_ENDPOINT: string
  }
}

const HOLD_MS = 300_000
const bare = createScript(`return 'held'`)
const redisOf = ({ UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN }: Env['Bindings']) =>
  createRedis({ url: UPSTASH_REDIS_REST_URL, token: UPSTASH_REDIS_REST_TOKEN })

export default new Hono<Env>()
  .post('/evalsha/:performance', async (c) => {
    const { seats } = await c.req.json<{ seats: string[] }>()
    const keys = Array.from({ length: 5 }, (_, index) => `bare:{${c.req.param('performance')}}:${index}`)
    const answer = await bare.run(redisOf(c.env), keys, [...seats, 'session', String(HOLD_MS)])
    return c.json({ answer, seats }, 201)
  })
  // One lock a seat, one request a lock, given back where one is missing.
  .post('/set-nx/:performance', async (c) => {
    const { seats } = await c.req.json<{ seats: string[] }>()
    const redis = redisOf(c.env)
    const owner = crypto.randomUUID()
    const taken: string[] = []
    for (const seat of seats) {
      const key = `lock:${c.req.param('performance')}:${seat}`
      if ((await redis.set(key, owner, { nx: true, px: HOLD_MS })) === null) {
        if (taken.length > 0) await redis.del(...taken)
        return c.json({ conflicts: [seat] }, 409)
      }
      taken.push(key)
    }
    return c.json({ owner, seats }, 201)
  })
  // Two statements in one transaction and one request: lock the rows in order, then mark them if all are free.
  .post('/for-update/:performance', async (c) => {
    const { seats } = await c.req.json<{ seats: string[] }>()
    const db = createDatabase({ url: c.env.DATABASE_URL, endpoint: c.env.NEON_ENDPOINT })
    const performance = c.req.param('performance')
    const wanted = sql`performance = ${performance} and seat = any(${sql.param(seats)})`
    const [, marked] = await db.batch([
      db.execute(sql`select seat from bench_seats where ${wanted} order by seat for update`),
      db.execute(sql`
        update bench_seats set held_until = now() + interval '5 minutes' where ${wanted} and not exists (
          select from bench_seats where ${wanted} and held_until > now())
        returning seat`),
    ])
    return marked.rows.length === seats.length ? c.json({ seats }, 201) : c.json({ conflicts: seats }, 409)
  })
