// Carries on the imports that are under way: takes their steps from the stream and does them. Driven by the request that
// accepts an import, by looks at its progress where nobody seems to be at it, and by cron. Any number may drive at once, and
// any may end at any moment. Never throws: what fails stays in the stream and is delivered again, five times before an
// operator is asked.

import { eq, sql } from 'drizzle-orm'
import { isDatabaseUnavailable, type Database } from '../../src/db/client.ts'
import { imports } from '../../src/db/halls.ts'
import { StoreUnavailable } from '../../src/redis/client.ts'
import { IMPORT_STREAM } from '../../src/redis/keys.ts'
import type { StreamMessage } from '../../src/redis/streams.ts'
import { MS_PER_SECOND } from '../../src/time.ts'
import type { Parts } from '../env.ts'
import { logError } from '../log.ts'
import { bury } from '../outbox/dead-letters.ts'
import { eventFile } from './event-file.ts'
import { moveEvent } from './move-event.ts'
import { planImport, type ImportPlan } from './plan.ts'
import { redriveImport } from './read-imports.ts'
import { reasonOf } from './reason.ts'
import { showEvent } from './show-event.ts'
import { parseStep, queueFinish, queueMissingSteps, stepName, type ImportStep } from './steps.ts'
import { writeBatch } from './write-batch.ts'

const GROUP = 'importers'
/** The platform ends work 30 s after the response; the last step may take ten. */
const WORK_MS = 15 * MS_PER_SECOND
/** Longer than any step takes. */
const IDLE_MS = 30 * MS_PER_SECOND
const DELIVERIES = 5
/** Workers have 6 outgoing connections at once; what is delivered anew on top of these waits for one. */
const AT_ONCE = 5
/** An operator may drive a failed import again for so long. */
const KEPT_DAYS = 7

export interface DriveOptions {
  /** A message that nobody has acknowledged for so long is taken over. */
  readonly idleMs?: number
}

/** The cron floor. Also forgets what was kept of imports that failed long ago. */
export async function runImports(parts: Parts, options?: DriveOptions): Promise<void> {
  await driveImports(parts, options)
  await forgetOldFailures(parts.db).catch((error: unknown) =>
    logError('old imports were not forgotten', error),
  )
}

/** Resolves when nothing is left to do, when its time is over, or when a store cannot be asked. */
export async function driveImports(parts: Parts, { idleMs = IDLE_MS }: DriveOptions = {}): Promise<void> {
  const { db, streams } = parts
  const untilMs = Date.now() + WORK_MS
  const plans: Plans = new Map()
  try {
    await queueMissingSteps(db, streams)
    while (Date.now() < untilMs) {
      const messages = await streams.read(IMPORT_STREAM, GROUP, { consumer: GROUP, count: AT_ONCE, idleMs })
      if (messages.length === 0) return
      const outcomes = await Promise.all(messages.map((message) => handle(parts, plans, message)))
      const ids = messages.filter((_, at) => outcomes[at] === 'done').map(({ id }) => id)
      await streams.acknowledge(IMPORT_STREAM, GROUP, ids)
      if (outcomes.includes('outage')) return
    }
  } catch (error) {
    logError('the imports were not carried on', error)
  }
}

/** Of one drive: a file is read once for all of its batches. */
type Plans = Map<string, Promise<ImportPlan | undefined>>

/** `later`: it failed and is delivered again. `outage`: so it does, and nothing else would go better now. */
type Outcome = 'done' | 'later' | 'outage'

async function handle(parts: Parts, plans: Plans, message: StreamMessage): Promise<Outcome> {
  const step = parseStep(message.fields)
  if (step === undefined) {
    logError('a message of an import is malformed', new Error(JSON.stringify(message.fields)))
    return 'done'
  }
  try {
    // A dead letter that an operator had delivered again: the whole import carries on, this step with it.
    if (step.only !== undefined && (await redriveImport(parts.db, step.importId))) {
      plans.delete(step.importId)
      await queueMissingSteps(parts.db, parts.streams)
    } else await take(parts, plans, step)
    return 'done'
  } catch (error) {
    logError('a step of an import failed', error, { step: stepName(step), delivery: message.deliveries })
    // An outage is nobody's fault: it is waited out, however long.
    if (error instanceof StoreUnavailable || isDatabaseUnavailable(error)) return 'outage'
    if (message.deliveries < DELIVERIES) return 'later'
    return await giveUp(parts, step, { message, error })
  }
}

async function take(parts: Parts, plans: Plans, step: ImportStep): Promise<void> {
  const { db, streams } = parts
  const { importId } = step
  if (step.kind === 'batch') {
    const reading = plans.get(importId) ?? readPlan(db, importId)
    plans.set(importId, reading)
    const plan = await reading
    if (plan !== undefined && (await writeBatch(db, plan, step))) await queueFinish(streams, importId)
    return
  }
  const plan = await readPlan(db, importId)
  if (plan !== undefined) await moveEvent(db, importId, plan)
  const [moved] = await db.select().from(imports).where(eq(imports.id, importId))
  if (moved?.status === 'running' && moved.file === null) await showEvent(parts, moved)
}

/** `undefined` where the import has ended, or has moved and only waits to be shown. */
async function readPlan(db: Database, importId: string): Promise<ImportPlan | undefined> {
  const [found] = await db
    .select({ status: imports.status, file: imports.file })
    .from(imports)
    .where(eq(imports.id, importId))
  if (found?.file == null || (found.status !== 'queued' && found.status !== 'running')) return undefined
  return await planImport(eventFile.parse(found.file))
}

async function giveUp(
  { db }: Parts,
  step: ImportStep,
  { message, error }: { message: StreamMessage; error: unknown },
): Promise<Outcome> {
  const reason = reasonOf(error)
  const { only: _, ...payload } = message.fields
  try {
    await bury(db, {
      stream: IMPORT_STREAM,
      consumer: GROUP,
      message: stepName(step),
      payload,
      reason,
      attempts: message.deliveries,
    })
    await db.execute(sql`
      update imports set status = 'failed', error = ${reason}, finished_at = now(), touched_at = now()
      where id = ${step.importId} and status in ('queued', 'running')`)
    return 'done'
  } catch (again) {
    logError('a failed import was not marked', again, { step: stepName(step) })
    return 'later'
  }
}

async function forgetOldFailures(db: Database): Promise<void> {
  await db.execute(sql`
    with old as (
      update imports set file = null, detail = null
      where status = 'failed' and file is not null and touched_at < now() - ${KEPT_DAYS} * interval '1 day'
      returning id
    )
    delete from import_seats using old where import_id = old.id`)
}
