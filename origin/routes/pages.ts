// The shop's pages: event, performance, order. The first two need admission like the routes that they call; an order's page
// opens by its link alone. Scripts and styles are static assets under `/shop-assets/`.

import { Hono, type Context } from 'hono'
import { Problem } from '../../src/problem.ts'
import { requireAdmission } from '../admission.ts'
import { requireAnyAdmission } from '../any-admission.ts'
import type { OriginEnv } from '../env.ts'
import { performanceOf, requireOrder } from '../orders/order.ts'
import { fillPage, PAGE_HEADERS } from '../page.ts'
import eventPage from '../shop/event.html'
import orderPage from '../shop/order.html'
import performancePage from '../shop/performance.html'
import { readEvent, roomsOf, showPerformance } from './catalogue.ts'

export const pageRoutes = new Hono<OriginEnv>()
  .get('/', async (c) => {
    const events = await c.var.catalogue.events()
    const { room } = await requireAnyAdmission(c, roomsOf(events))
    // The first event that this visitor's room opens.
    const first = events.find(({ rooms }) => rooms.includes(room))
    const found = first && (await c.var.catalogue.event(first.id))
    if (found === undefined) throw new Problem('not_found', { detail: 'Nothing is on sale here.' })
    return showEvent(c, found)
  })
  .get('/events/:id', async (c) => {
    return showEvent(c, await readEvent(c))
  })
  .get('/performances/:id', async (c) => {
    const performance = await c.var.catalogue.performance(c.req.param('id'))
    if (performance === undefined) {
      throw new Problem('not_found', { detail: 'There is no such performance.' })
    }
    await requireAdmission(c, performance.room)
    const title = `${performance.eventName}: ${performance.name}`
    const data = { performance: showPerformance(performance) }
    return c.body(fillPage(performancePage, { title, data }), 200, PAGE_HEADERS)
  })
  .get('/orders/:id', async (c) => {
    const order = await requireOrder(c.var.db, c.req.param('id'))
    const { eventName } = await performanceOf(c.var.db, order)
    const data = { orderId: order.id }
    return c.body(fillPage(orderPage, { title: `${eventName}: your order`, data }), 200, PAGE_HEADERS)
  })

function showEvent(c: Context<OriginEnv>, { event, performances }: Awaited<ReturnType<typeof readEvent>>) {
  const data = { event, performances: performances.map(showPerformance) }
  return c.body(fillPage(eventPage, { title: event.name, data }), 200, PAGE_HEADERS)
}
