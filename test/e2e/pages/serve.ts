// A loopback server of both sets of pages with a fake API behind them, for looking and for the pages' own browser tests.
// The pages and their scripts are the real ones, freshly built; the headers are those that the Workers send.

import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { answerScene, queuePage, type Reply } from './fake-room.ts'
import { answerShop, shopPage } from './fake-shop.ts'

export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
}
const OUTPUT = 'test/output/pages'

export interface Call {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

export interface Served {
  readonly url: string
  /** Every API call so far. */
  readonly calls: readonly Call[]
  /** A test's own answers, asked first; undefined leaves the call to the fakes, 'cut' drops the connection. */
  answer: ((call: Call) => Reply | 'cut' | undefined) | undefined
  stop(): Promise<void>
}

export async function servePages(): Promise<Served> {
  const run = promisify(execFile)
  // A folder of its own for each server: the test files run side by side.
  const folder = `${OUTPUT}/assets-${process.pid}`
  await Promise.all(
    ['edge', 'origin'].map((target) => run(process.execPath, ['build.ts', target, `${folder}/${target}`])),
  )
  const calls: Call[] = []
  const served: Pick<Served, 'answer'> = { answer: undefined }
  const looks = new Map<string, number>()

  async function respond(request: IncomingMessage, url: URL): Promise<Reply | 'cut'> {
    const asset = /^\/(\.waiting-room|shop-assets)\/([\w-]+\.(js|css|svg))$/.exec(url.pathname)
    if (asset !== null) {
      const file = `${folder}/${asset[1] === 'shop-assets' ? 'origin' : 'edge'}/${asset[2]}`
      return {
        status: 200,
        body: await readFile(file, 'utf8'),
        headers: { 'content-type': CONTENT_TYPES[asset[3] ?? ''] ?? '' },
      }
    }
    const scene = /^\/q\/([\w-]+)$/.exec(url.pathname)?.[1]
    if (scene !== undefined) {
      const { html, policy } = await queuePage(scene, request.headers['accept-language'])
      return page(html, policy)
    }
    const shop = await shopPage(url)
    if (shop !== undefined) return page(shop)

    const call: Call = {
      method: request.method ?? 'GET',
      path: url.pathname + url.search,
      headers: request.headers,
      body: await readBody(request),
    }
    calls.push(call)
    const own = served.answer?.(call)
    if (own !== undefined) return own
    const queue = /^\/\.waiting-room\/([\w-]+)\/(\w+)$/.exec(url.pathname)
    if (queue !== null) {
      const [room = '', name = ''] = queue.slice(1)
      if (name === 'join') looks.set(room, 0)
      if (name === 'now') looks.set(room, (looks.get(room) ?? 0) + 1)
      return answerScene(room, name, looks.get(room) ?? 0)
    }
    return answerShop(call)
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    respond(request, url)
      .then((reply) => {
        if (reply === 'cut') return response.destroy()
        const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body)
        response.writeHead(reply.status, {
          'content-type': reply.status < 400 ? 'application/json' : 'application/problem+json',
          'cache-control': 'no-store',
          ...reply.headers,
        })
        return response.end(reply.body === undefined ? undefined : text)
      })
      .catch((error: unknown) => {
        console.error(error)
        response.destroy()
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the page server has no port')
  return Object.assign(served, {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  })
}

const page = (html: string, policy = CONTENT_SECURITY_POLICY): Reply => ({
  status: 200,
  body: html,
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
  },
})

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const text = Buffer.concat(chunks).toString()
  return text === '' ? undefined : JSON.parse(text)
}
