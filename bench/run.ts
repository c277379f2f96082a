// `npm run bench`: all parts one after the other; `npm run bench -- http` runs one of them. Each part prints its own table.
// Everything is started for it on loopback, for a bounded time; nothing here is a test, and no test measures time.
import './text-modules.ts'
import { benchScripts } from './scripts.ts'

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  // Only now, since it imports the Lua sources.
  http: async () => (await import('./http.ts')).benchHttp(),
  visitor: async () => (await import('./visitor.ts')).benchVisitor(),
  scripts: benchScripts,
  availability: async () => (await import('./availability.ts')).benchAvailability(),
  best: async () => (await import('./best.ts')).benchBest(),
  catalogue: async () => (await import('./catalogue.ts')).benchCatalogue(),
  holds: async () => (await import('./holds.ts')).benchHolds(),
  orders: async () => (await import('./orders.ts')).benchOrders(),
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in PARTS))
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}; the parts are ${Object.keys(PARTS).join(', ')}.`)
  process.exit(2)
}
for (const [name, bench] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  await bench()
  console.log()
}
