// A web site of somebody else on loopback: a plain Node server that a test programs, to stand behind a room as its origin.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

export interface Site {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Every request line and its headers, in the order of arrival. */
  readonly requests: readonly Pick<IncomingMessage, 'method' | 'url' | 'headers'>[]
  stop(): Promise<void>
}

/** The handler may take its time; a request that throws ends with 500. */
export async function startSite(
  handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
  { onUpgrade }: { onUpgrade?: (request: IncomingMessage, socket: Duplex) => void } = {},
): Promise<Site> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    void Promise.resolve(handle(request, response)).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  if (onUpgrade !== undefined) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
      requests.push(request)
      onUpgrade(request, socket)
    })
  }
  // Upgraded connections too, which the server itself forgets.
  const sockets = new Set<Duplex>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** The whole body. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
