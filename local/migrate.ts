// Applies the SQL migrations that drizzle-kit wrote, in order, each once.
// Called by the local stack and by tests, and usable on any Postgres that a deployment names; never generates one.

import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator'
import { Client } from 'pg'

/** Any constant will do, as long as every migrating process uses the same. */
const ADVISORY_LOCK = 7_336_001

/**
 * All pending migrations in one transaction: after an error the database is as it was before.
 * Two stacks that start at once on one database take turns. `folder` holds `*.sql` and `meta/_journal.json`.
 */
export async function migrate(databaseUrl: string, folder: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  // A connection that breaks is reported by the query that uses it.
  client.on('error', () => {})
  await client.connect()
  try {
    // Held until the connection ends.
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK])
    await applyMigrations(drizzle(client), { migrationsFolder: folder })
  } finally {
    await client.end()
  }
}
