import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bodyOf, startSite, type Site } from './site.ts'
import { cookieHeader, startEdge, type Edge } from './support.ts'

let edge: Edge
let site: Site
/** What a test has the site do with its next requests. */
let handle: Parameters<typeof startSite>[0]
let upgraded: (request: IncomingMessage, socket: Duplex) => void
/** So that a test needs no pass of its own. Not by path: a rule by path does not match a doubtful one. */
const everything = [{ methods: ['GET', 'HEAD', 'POST', 'PUT'] }]

beforeAll(async () => {
  site = await startSite((request, response) => handle(request, response), {
    onUpgrade: (request, socket) => upgraded(request, socket),
  })
  const gone = await startSite(() => undefined)
  await gone.stop()
  edge = await startEdge({
    rooms: {
      bare: { hosts: ['bare.test'], origin: site.url, bypass: everything },
      based: { hosts: ['based.test'], origin: `${site.url}/base/`, bypass: everything },
      gone: { hosts: ['gone.test'], origin: gone.url },
      gated: { hosts: ['gated.test'], origin: site.url, burst: 100 },
    },
  })
})
afterAll(async () => {
  await edge.stop()
  await site.stop()
})

const echo: typeof handle = async (request, response) => {
  const body = await bodyOf(request)
  response.setHeader('content-type', 'application/json')
  response.end(
    JSON.stringify({
      method: request.method,
      path: request.url,
      headers: request.headers,
      body: String(body),
    }),
  )
}

/** A request whose body and response the test writes and reads piece by piece. */
function open(path: string, headers: Record<string, string>, method = 'POST') {
  const sent = httpRequest(edge.url, { path, method, headers })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject)
  })
  return { sent, answered }
}

describe('a site by its address gets', () => {
  test('method, path, query, body and headers, and is told what the visitor asked for', async () => {
    handle = echo
    const answer = await edge.send('/a%2Fb/%C3%BC?x=1&y=%20', {
      method: 'PUT',
      headers: {
        host: 'bare.test',
        'content-type': 'text/plain',
        'cf-connecting-ip': '2001:db8::7',
        'x-forwarded-for': '10.0.0.1',
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'gopher',
        forwarded: 'for=10.0.0.1;host=evil.example',
        'x-own': 'kept',
        cookie: 'mine=1; __Host-wr-pass-bare=stale',
        'wr-internal': '1',
        'waiting-room-token': 'made-up',
        'x-original-url': '/evil',
        'x-rewrite-url': '/evil',
      },
      body: 'text',
    })
    expect(answer.json).toMatchObject({ method: 'PUT', path: '/a%2Fb/%C3%BC?x=1&y=%20', body: 'text' })
    expect(answer.json.headers).toMatchObject({
      host: new URL(site.url).host,
      'content-type': 'text/plain',
      'x-forwarded-for': '2001:db8::7',
      'x-forwarded-host': 'bare.test',
      'x-forwarded-proto': 'http',
      'x-own': 'kept',
      cookie: 'mine=1',
    })
    for (const name of [
      'forwarded',
      'wr-internal',
      'waiting-room-token',
      'x-original-url',
      'x-rewrite-url',
    ]) {
      expect(answer.json.headers).not.toHaveProperty(name)
    }
    expect(answer.text).not.toContain('evil')
  })

  test('its base path in front of what the visitor asked for, and nothing leads out of it', async () => {
    handle = echo
    for (const [asked, path] of [
      ['/', '/base/'],
      ['/x?y', '/base/x?y'],
      ['//evil.example/x', '/base//evil.example/x'],
      ['/../x', '/base/x'],
      ['/%2e%2e/x', '/base/x'],
      [String.raw`/\evil.example`, '/base//evil.example'],
    ] as const) {
      expect((await edge.send(asked, { headers: { host: 'based.test' } })).json.path, asked).toBe(path)
    }
  })

  test.each(['/..%2fadmin', '/..;/admin', '/%252e%252e/admin', '/a/..%5c..%5cadmin'])(
    'no path that a server may read as leading out of its base path: %s',
    async (path) => {
      handle = echo
      const before = site.requests.length
      const refused = await edge.send(path, { headers: { host: 'based.test' } })
      expect([refused.status, refused.json.code]).toEqual([400, 'bad_request'])
      expect(refused.headers['content-type']).toBe('application/problem+json')
      expect(site.requests.length).toBe(before)
      // Without a base path there is none to leave.
      expect((await edge.send(path, { headers: { host: 'bare.test' } })).json.path).toBe(path)
    },
  )

  test('the verified pass of an admitted visitor, which it can check by the public keys', async () => {
    handle = echo
    const answer = await edge.visit('/shop', { host: 'gated.test' })
    expect(answer.json.headers['waiting-room-token']).toBe(answer.cookies['__Host-wr-pass-gated'])
    expect(answer.json.headers['waiting-room-token']).toMatch(/^ey/)
  })
})

describe('bodies', () => {
  test('an upload arrives while it is still being sent', async () => {
    const first = Promise.withResolvers<string>()
    handle = async (request, response) => {
      const parts: string[] = []
      for await (const chunk of request) {
        parts.push(String(chunk))
        first.resolve(parts.join(''))
      }
      response.end(parts.join(''))
    }
    const { sent, answered } = open('/upload', { host: 'bare.test' })
    sent.write('one ')
    // The end is sent only after the site has the beginning.
    expect(await first.promise).toBe('one ')
    sent.end('two')
    expect(String(await bodyOf(await answered))).toBe('one two')
  })

  test('a download arrives while it is still being sent', async () => {
    const seen = Promise.withResolvers<void>()
    handle = async (_request, response) => {
      response.write('one ')
      await seen.promise
      response.end('two')
    }
    const { sent, answered } = open('/download', { host: 'bare.test' }, 'GET')
    sent.end()
    const parts: string[] = []
    for await (const chunk of await answered) {
      parts.push(String(chunk))
      seen.resolve()
    }
    expect(parts.join('')).toBe('one two')
  })

  test('32 MB go through unchanged, both ways, with their length', async () => {
    const digest = (body: Buffer) => createHash('sha256').update(body).digest('hex')
    const large = randomBytes(32 << 20)
    handle = async (request, response) => {
      response.setHeader('x-length', request.headers['content-length'] ?? '')
      response.end(await bodyOf(request))
    }
    const { sent, answered } = open('/large', { host: 'bare.test', 'content-length': String(large.length) })
    sent.end(large)
    const response = await answered
    expect(digest(await bodyOf(response))).toBe(digest(large))
    expect(response.headers['x-length']).toBe(String(large.length))
  })

  test('HEAD tells the length of what GET would get', async () => {
    handle = (_request, response) => void response.writeHead(200, { 'content-length': '1234' }).end()
    const answer = await edge.send('/', { method: 'HEAD', headers: { host: 'bare.test' } })
    expect([answer.status, answer.headers['content-length'], answer.text]).toEqual([200, '1234', ''])
  })

  test('a compressed body stays what it is, also where headers are added', async () => {
    handle = (_request, response) =>
      void response.setHeader('content-encoding', 'gzip').end(gzipSync('compressed by the site'))
    for (const host of ['bare.test', 'gated.test']) {
      const { sent, answered } = open('/', { host, 'accept-encoding': 'gzip', accept: 'text/html' }, 'GET')
      sent.end()
      const response = await answered
      expect([response.statusCode, response.headers['content-encoding']]).toEqual([200, 'gzip'])
      const text = await new Response(
        new Blob([new Uint8Array(await bodyOf(response))])
          .stream()
          .pipeThrough(new DecompressionStream('gzip')),
      ).text()
      expect(text).toBe('compressed by the site')
    }
  })
})

describe('redirects', () => {
  const own = () => new URL(site.url).host
  test.each([
    ['bare.test', () => '/next?a=1#b', () => '/next?a=1#b'],
    ['bare.test', () => `http://${own()}/next?a=1#b`, () => `http://bare.test/next?a=1#b`],
    ['bare.test', () => `https://${own()}/next`, () => `http://bare.test/next`],
    ['bare.test', () => `https://127.0.0.1/next`, () => `http://bare.test/next`],
    ['bare.test', () => `//${own()}/next`, () => `http://bare.test/next`],
    ['bare.test', () => 'https://pay.example/x', () => 'https://pay.example/x'],
    ['bare.test', () => 'https://127.0.0.1:1/x', () => 'https://127.0.0.1:1/x'],
    ['bare.test', () => 'next', () => 'next'],
    ['bare.test', () => 'app-of-the-shop://paid', () => 'app-of-the-shop://paid'],
    ['based.test', () => '/base/next?a', () => '/next?a'],
    ['based.test', () => '/base', () => '/'],
    ['based.test', () => '/base?a', () => '/?a'],
    ['based.test', () => '/basement', () => '/basement'],
    // What is left of the path must not name another host.
    ['based.test', () => '/base//evil.example/a/', () => 'http://based.test//evil.example/a/'],
    [
      'based.test',
      () => String.raw`/base/\evil.example/`,
      () => String.raw`http://based.test/\evil.example/`,
    ],
    ['based.test', () => '/base/\t/evil.example/', () => 'http://based.test/\t/evil.example/'],
    ['based.test', () => `http://${own()}/base/next`, () => `http://based.test/next`],
    ['based.test', () => `http://${own()}/other`, () => `http://${own()}/other`],
    ['based.test', () => 'http://based.test/base/next', () => 'http://based.test/next'],
  ])('of %s: %s', async (host, location, expected) => {
    handle = (_request, response) => void response.writeHead(302, { location: location() }).end()
    const before = site.requests.length
    const answer = await edge.send('/x', { headers: { host } })
    expect([answer.status, answer.headers.location]).toEqual([302, expected()])
    // It is the visitor's to follow.
    expect(site.requests.length - before).toBe(1)
  })
})

test('cookies of the site become cookies of what the visitor sees; those of a wider domain stay', async () => {
  handle = (_request, response) => {
    response.setHeader('set-cookie', [
      'a=1; Path=/base; Domain=127.0.0.1; HttpOnly; Expires=Wed, 21 Oct 2037 07:28:00 GMT',
      'b=x=y; domain=.127.0.0.1;path=/base/cart=1',
      'c=domain; Path=/other; Domain=shop.example',
      'domain=127.0.0.1',
    ])
    response.end()
  }
  const answer = await edge.send('/', { headers: { host: 'based.test' } })
  expect(answer.headers['set-cookie']).toEqual([
    'a=1; Path=/; HttpOnly; Expires=Wed, 21 Oct 2037 07:28:00 GMT',
    'b=x=y; Path=/cart=1',
    'c=domain; Path=/other; Domain=shop.example',
    'domain=127.0.0.1',
  ])
})

describe('a site that cannot be reached', () => {
  test.each(['GET', 'POST'])(
    'is a 502 in words for %s, and trying again takes no second slot',
    async (method) => {
      const held = await edge.redis.zcard('wr:{gone}:sessions')
      const entered = await edge.visit('/shop', { host: 'gone.test' })
      expect([entered.status, entered.json.code]).toEqual([502, 'origin_unreachable'])
      expect(entered.headers['content-type']).toBe('application/problem+json')
      expect(Number(entered.headers['retry-after'])).toBeGreaterThan(0)
      const again = await edge.send('/shop', {
        method,
        headers: { host: 'gone.test', cookie: cookieHeader(entered.cookies) },
        ...(method === 'POST' && { body: 'x' }),
      })
      expect([again.status, again.json.code]).toEqual([502, 'origin_unreachable'])
      expect(await edge.redis.zcard('wr:{gone}:sessions')).toBe(held + 1)
    },
  )

  test('that goes away before it answers is one too', async () => {
    handle = (request) => void request.socket.destroy()
    const answer = await edge.send('/', { headers: { host: 'bare.test' } })
    expect([answer.status, answer.json.code]).toEqual([502, 'origin_unreachable'])
  })

  test("the site's own faults are passed on as they are", async () => {
    handle = (_request, response) => void response.writeHead(500, { 'x-own': '1' }).end('its own page')
    const answer = await edge.send('/', { headers: { host: 'bare.test' } })
    expect([answer.status, answer.text, answer.headers['x-own']]).toEqual([500, 'its own page', '1'])
  })
})

describe('a WebSocket', () => {
  /** Opens one by hand, as a browser does; resolves with the answer and the connection. */
  function upgrade(headers: Record<string, string>) {
    const sent = httpRequest(edge.url, {
      path: '/live?seat=7',
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...headers,
      },
    })
    sent.end()
    return new Promise<{ response: IncomingMessage; socket?: Duplex }>((resolve, reject) => {
      sent.on('upgrade', (response, socket) => resolve({ response, socket }))
      sent.on('response', (response) => resolve({ response }))
      sent.on('error', reject)
    })
  }
  /** A text frame of less than 126 bytes; a client masks, here with zeros. */
  const frame = (text: string, masked: boolean) =>
    Buffer.concat([
      Buffer.from([0x81, text.length | (masked ? 0x80 : 0)]),
      Buffer.alloc(masked ? 4 : 0),
      Buffer.from(text),
    ])
  /** Answers every frame with its text in upper case. */
  const shout: typeof upgraded = (request, socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      const mask = data.subarray(2, 6)
      const text = data.subarray(6).map((byte, index) => byte ^ (mask[index % 4] ?? 0))
      if (((data[0] ?? 0) & 15) === 1) socket.write(frame(Buffer.from(text).toString().toUpperCase(), false))
    })
  }

  test.each(['bare.test', 'gated.test'])('passes in both directions through %s', async (host) => {
    handle = echo
    upgraded = shout
    // The first renewal of a new session comes with the upgrade itself, so that cookies are set on it.
    const entered = host === 'gated.test' ? await edge.visit('/shop', { host }) : undefined
    const cookie = cookieHeader(entered?.cookies ?? {})
    const { response, socket } = await upgrade({ host, ...(cookie !== '' && { cookie }) })
    expect([response.statusCode, 'set-cookie' in response.headers]).toEqual([101, host === 'gated.test'])
    expect(site.requests.at(-1)?.url).toBe('/live?seat=7')
    if (socket === undefined) throw new Error('upgraded')
    const reply = new Promise<Buffer>((resolve) => socket.once('data', resolve))
    socket.write(frame('hello', true))
    expect((await reply).subarray(2).toString()).toBe('HELLO')
    socket.destroy()
  })

  test('of one who was not admitted is held', async () => {
    const { response } = await upgrade({ host: 'gated.test' })
    expect(response.statusCode).toBe(429)
    response.resume()
  })
})
