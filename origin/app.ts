// The origin Worker's application: which routes there are, and what each request passes first. `index.ts` runs it.
// Reached only through the edge's service binding; every protected route still verifies the admission token itself.

import { Hono } from 'hono'
import type { OriginEnv } from './env.ts'
import { onError } from './on-error.ts'
import { prepare } from './parts.ts'
import { pageForPeople } from './problem-page.ts'
import { adminImportRoutes } from './routes/admin-imports.ts'
import { adminOrderRoutes } from './routes/admin-orders.ts'
import { adminOutboxRoutes } from './routes/admin-outbox.ts'
import { adminReconcileRoutes } from './routes/admin-reconcile.ts'
import { adminSeatRoutes } from './routes/admin-seats.ts'
import { availabilityRoutes } from './routes/availability.ts'
import { catalogueRoutes } from './routes/catalogue.ts'
import { healthRoutes } from './routes/health.ts'
import { holdRoutes } from './routes/holds.ts'
import { openapiRoutes } from './routes/openapi.ts'
import { orderRoutes } from './routes/orders.ts'
import { pageRoutes } from './routes/pages.ts'
import { paymentRoutes } from './routes/payments.ts'
import { seatRoutes } from './routes/seats.ts'
import { ticketRoutes } from './routes/tickets.ts'
import { refuseOtherMethods } from '../src/http/other-methods.ts'
import { problemResponse } from '../src/problem.ts'

// Each file spells whole paths, so all are mounted at the root.
const routes = new Hono<OriginEnv>()
  .route('/', openapiRoutes)
  .use(prepare)
  .route('/', healthRoutes)
  .route('/', pageRoutes)
  .route('/', catalogueRoutes)
  .route('/', seatRoutes)
  .route('/', availabilityRoutes)
  .route('/', holdRoutes)
  .route('/', orderRoutes)
  .route('/', paymentRoutes)
  .route('/', ticketRoutes)
  .route('/', adminImportRoutes)
  .route('/', adminOrderRoutes)
  .route('/', adminSeatRoutes)
  .route('/', adminOutboxRoutes)
  .route('/', adminReconcileRoutes)

export const app = new Hono<OriginEnv>().use(refuseOtherMethods(routes)).route('/', routes)

app.notFound((c) =>
  pageForPeople(
    c,
    problemResponse('not_found', { detail: `There is nothing at ${c.req.method} ${c.req.path}.` }),
  ),
)
app.onError((error, c) => pageForPeople(c, onError(error, c)))
