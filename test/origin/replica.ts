// A primary and a replica behind one address, which leads by the host of the connection string as Neon's proxy does. Each has
// its own Postgres, so that a test decides what has reached the replica.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startDatabase, type TestDatabase } from './database.ts'

const HOST = 'replica.foyer.localhost'

export interface Replica {
  readonly database: TestDatabase
  /** DATABASE_REPLICA_URL and NEON_ENDPOINT of an origin that has this replica. */
  readonly vars: { readonly DATABASE_REPLICA_URL: string; readonly NEON_ENDPOINT: string }
  /** To be called once the primary runs: where everything else goes. */
  setPrimary(endpoint: string): void
  stop(): Promise<void>
}

export async function startReplica(): Promise<Replica> {
  const database = await startDatabase()
  let primary = ''
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const connection = String(incoming.headers['neon-connection-string'])
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk as Buffer)
      try {
        const response = await fetch(
          new URL(connection).hostname === HOST ? database.gateway.endpoint : primary,
          {
            method: 'POST',
            headers: Object.entries(incoming.headers).flatMap(([name, value]) =>
              name.startsWith('neon-') ? [[name, String(value)] as [string, string]] : [],
            ),
            body: Buffer.concat(chunks),
          },
        )
        outgoing.writeHead(response.status, { 'content-type': 'application/json' })
        outgoing.end(await response.text())
      } catch {
        outgoing.destroy()
      }
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(database.gateway.connectionString)
  url.hostname = HOST
  return {
    database,
    vars: {
      DATABASE_REPLICA_URL: url.href,
      NEON_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sql`,
    },
    setPrimary(endpoint) {
      primary = endpoint
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await database.stop()
    },
  }
}
