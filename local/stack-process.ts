// The process that holds the stack for `start.ts`: reads the flags, prints what people need, brings the crowd.
// Ends when its parent asks, when its parent is gone, or when a part breaks; the reason is the last thing it prints.
import { parseArgs } from 'node:util'
import { startCrowd } from './crowd.ts'
import { startStack, type Stack } from './stack.ts'

const USAGE = `npm start              the whole system on this machine, with a simulated crowd in the queue
npm start -- --quiet   without the crowd: an empty room lets you straight in
npm start -- --fresh   with empty stores
environment: PORT, ADMIN_TOKEN, REDIS_URL, DATABASE_URL, DATA_FOLDER (absolute; .local otherwise)`

function flags() {
  try {
    const { values } = parseArgs({
      options: {
        quiet: { type: 'boolean' },
        fresh: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    return values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    process.exit(2)
  }
}

function portFrom(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  console.error(`PORT = ${JSON.stringify(text)}: must be a whole number from 0 to 65535`)
  process.exit(2)
}

const { quiet = false, fresh = false, help = false } = flags()
if (help) {
  console.log(USAGE)
  process.exit(0)
}

let stack: Stack | undefined
let crowd: { stop(): void } | undefined
let ending = false

async function end(exitCode: number, reason?: string): Promise<void> {
  if (ending) return
  ending = true
  crowd?.stop()
  await stack?.stop().catch((error: unknown) => console.error(error))
  if (reason !== undefined) console.error(`\n${reason}`)
  process.exit(exitCode)
}

// The parent asks by closing the channel. While the stack still starts, the word is kept until there is one to stop.
let asked = false
process.on('disconnect', () => {
  asked = true
  if (stack !== undefined) void end(0)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.disconnect())
process.on('uncaughtException', (error) => void end(1, `Foyer stopped: ${error.stack ?? error.message}`))

const started = Date.now()
console.log('Starting Foyer …')
try {
  stack = await startStack({
    fresh,
    port: portFrom(process.env['PORT']),
    folder: process.env['DATA_FOLDER'],
    redisUrl: process.env['REDIS_URL'],
    databaseUrl: process.env['DATABASE_URL'],
    adminToken: process.env['ADMIN_TOKEN'],
    onNotice: (sentence) => console.log(`  ${sentence}`),
    onLog: (level, message) => {
      if (level === 'error' || level === 'warn') console.error(message)
    },
  })
} catch (error) {
  await end(1, `Foyer cannot start: ${error instanceof Error ? error.message : String(error)}`)
  throw error
}
if (asked) await end(0)
void stack.broken.then((reason) => end(1, `Foyer stopped: ${reason}`))
if (!quiet) crowd = await startCrowd(stack.url)
const { warnings = [] } = (await (await fetch(`${stack.url}/healthz`)).json()) as { warnings?: string[] }

const seconds = ((Date.now() - started) / 1_000).toFixed(1)
console.log(`
Ready on ${stack.url}   (after ${seconds} s)

  queue   ${stack.url}/   ${quiet ? '(nobody waits: you go straight in)' : '(about 300 people are ahead of you: two minutes)'}
  shop    ${stack.url}/performances/winter-lights-evening   (behind the same queue)
  API     ${stack.url}/.waiting-room/openapi.json and ${stack.url}/openapi.json
  admin   curl -H "Authorization: Bearer ${stack.adminToken}" ${stack.url}/.waiting-room/admin/rooms/demo

  Pay with test card 4242 4242 4242 4242, any later date, any code. Ctrl-C stops everything.
`)
for (const warning of warnings) console.warn(`  Check wrangler.toml: ${warning}`)
