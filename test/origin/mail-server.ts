// Stands in for the email provider: takes POST /emails as Resend does, and drops what it has taken under the same
// Idempotency-Key. A test reads what was sent, or has the next requests answered otherwise.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly html: string
}

interface Refusal {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

export interface MailServer {
  readonly url: string
  /** By Idempotency-Key: each was sent once. */
  readonly sent: ReadonlyMap<string, Mail>
  /** Requests that arrived, repeats and refused ones among them. */
  readonly requests: readonly { readonly key: string; readonly authorization: string }[]
  /** Answers requests with this, until `accept`; `times` for so many only. */
  refuse(refusal: Refusal, options?: { times: number }): void
  /** Answers nothing until `accept`; resolves with the first request that waits. */
  hang(): Promise<void>
  accept(): void
  clear(): void
  stop(): Promise<void>
}

export const API_KEY = 're_of_this_test'

export async function startMailServer(): Promise<MailServer> {
  const sent = new Map<string, Mail>()
  const requests: { key: string; authorization: string }[] = []
  const refusals: { refusal: Refusal; times: number }[] = []
  let gate: { opened: Promise<void>; open: () => void; arrived: () => void } | undefined

  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const mail = JSON.parse(await textOf(incoming)) as Mail
      const key = String(incoming.headers['idempotency-key'])
      requests.push({ key, authorization: String(incoming.headers.authorization) })
      gate?.arrived()
      await gate?.opened
      const [first] = refusals
      if (first !== undefined) {
        first.times -= 1
        if (first.times <= 0) refusals.shift()
        const { status, body = {}, headers = {} } = first.refusal
        outgoing.writeHead(status, { 'content-type': 'application/json', ...headers })
        outgoing.end(JSON.stringify(body))
        return
      }
      if (incoming.url === '/emails' && !sent.has(key)) sent.set(key, mail)
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: key }))
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const accept = () => {
    refusals.length = 0
    gate?.open()
    gate = undefined
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    requests,
    refuse: (refusal, { times } = { times: Infinity }) => void refusals.push({ refusal, times }),
    hang() {
      const opened = Promise.withResolvers<void>()
      const arrived = Promise.withResolvers<void>()
      gate = { opened: opened.promise, open: opened.resolve, arrived: arrived.resolve }
      return arrived.promise
    },
    accept,
    clear() {
      accept()
      sent.clear()
      requests.length = 0
    },
    async stop() {
      accept()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
