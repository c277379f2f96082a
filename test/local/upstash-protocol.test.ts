// The REST protocol itself, byte for byte, where the client library would hide a difference.

import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { BODY_LIMIT_BYTES } from '../../local/upstash/gateway.ts'
import { stripShebang } from '../../local/upstash/script-flags.ts'
import { setUpGateway, TOKEN } from './upstash-setup.ts'

const setup = setUpGateway('auto')
const { key, post } = setup
const BASE64 = { 'upstash-encoding': 'base64' }
const json = async (answer: Promise<Response>) => {
  const response = await answer
  return { status: response.status, body: await response.json() }
}

describe('token', () => {
  const ROUTES = [
    '/',
    '/pipeline',
    '/multi-exec',
    '/get/k',
    '/subscribe/chat',
    '/psubscribe/c*',
    '/publish/c/x',
    '/nothing',
  ]
  const WRONG: [string, Record<string, string>, string][] = [
    ['missing', {}, ''],
    ['wrong', { authorization: 'Bearer nope' }, ''],
    ['of the right length but wrong', { authorization: `Bearer ${'x'.repeat(TOKEN.length)}` }, ''],
    ['empty', { authorization: 'Bearer ' }, ''],
    ['wrong in the query', {}, '?_token=nope'],
    ['wrong in the header and right in the query', { authorization: 'Bearer nope' }, `?_token=${TOKEN}`],
  ]
  for (const route of ROUTES) {
    test.each(WRONG)(`${route} refuses a token that is %s`, async (_, headers, query) => {
      for (const method of ['POST', 'GET']) {
        const body = method === 'POST' ? { body: '["PING"]' } : {}
        const answer = fetch(setup.gateway.url + route + query, { method, headers, ...body })
        expect(await json(answer)).toEqual({
          status: 401,
          body: { error: 'WRONGPASS invalid or missing auth token' },
        })
      }
    })
  }

  test('a refused command was not executed', async () => {
    await fetch(setup.gateway.url, { method: 'POST', body: JSON.stringify(['SET', key('k'), 'v']) })
    expect(await json(post('/', ['GET', key('k')]))).toMatchObject({ body: { result: null } })
  })

  test('the query may carry it', async () => {
    const answer = fetch(`${setup.gateway.url}/set/${key('q')}/v?_token=${TOKEN}`)
    expect(await json(answer)).toEqual({ status: 200, body: { result: 'OK' } })
    expect(await json(post('/', ['GET', key('q')]))).toEqual({ status: 200, body: { result: 'v' } })
  })
})

describe('encoding', () => {
  test('base64 covers every text, nested too, and neither integers, nulls, OK nor errors', async () => {
    const commands = [
      ['SET', key('e'), 'bar'],
      ['GET', key('e')],
      ['STRLEN', key('e')],
      ['GET', key('none')],
      ['EVAL', 'return {"a",{"b",1,false}}', 0],
      ['LPUSH', key('e'), 1],
    ]
    expect(await json(post('/pipeline', commands, BASE64))).toEqual({
      status: 200,
      body: [
        { result: 'OK' },
        { result: 'YmFy' },
        { result: 3 },
        { result: null },
        { result: ['YQ==', ['Yg==', 1, null]] },
        { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' },
      ],
    })
  })

  test('raw bytes survive in base64 and become U+FFFD without it', async () => {
    await fetch(`${setup.gateway.url}/set/${key('raw')}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: new Uint8Array([0x66, 0xff, 0x00]),
    })
    expect(await json(post(`/get/${key('raw')}`, undefined, BASE64))).toMatchObject({
      body: { result: Buffer.from([0x66, 0xff, 0x00]).toString('base64') },
    })
    expect(await json(post(`/get/${key('raw')}`))).toMatchObject({ body: { result: 'f\uFFFD\u0000' } })
  })

  test('every answer carries a sync token', async () => {
    expect((await post('/', ['PING'])).headers.get('upstash-sync-token')).toBeTruthy()
    expect((await post('/', ['NOSUCH'])).headers.get('upstash-sync-token')).toBeTruthy()
  })
})

describe('path form', () => {
  test('arguments are percent-decoded, the body comes last, and the query after it', async () => {
    await post(`/set/${encodeURIComponent(`${key('a/b')} ü`)}?EX=100`, 'the value')
    expect(await json(post('/', ['GET', `${key('a/b')} ü`]))).toMatchObject({ body: { result: 'the value' } })
    const { body } = await json(post('/', ['TTL', `${key('a/b')} ü`]))
    expect(body.result).toBeGreaterThan(90)
  })

  test('a query flag without a value is one argument', async () => {
    await post(`/set/${key('nx')}/first`)
    expect(await json(post(`/set/${key('nx')}?NX`, 'second'))).toEqual({
      status: 200,
      body: { result: null },
    })
  })

  test('publish works in the path form', async () => {
    expect(await json(post(`/publish/${key('c')}/hello`))).toEqual({ status: 200, body: { result: 0 } })
  })

  test('HEAD answers without a body and PUT like POST', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    const head = await fetch(`${setup.gateway.url}/ping`, { method: 'HEAD', headers })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const put = fetch(setup.gateway.url, { method: 'PUT', headers, body: '["PING"]' })
    expect(await json(put)).toEqual({ status: 200, body: { result: 'PONG' } })
  })

  test.each(['DELETE', 'PATCH', 'OPTIONS'])('%s is not allowed', async (method) => {
    const answer = fetch(setup.gateway.url, { method, headers: { authorization: `Bearer ${TOKEN}` } })
    expect(await json(answer)).toMatchObject({ status: 405, body: { error: expect.stringMatching(/^ERR /) } })
  })
})

describe('arguments', () => {
  test('numbers, booleans, objects and arrays become text', async () => {
    const values = [1.5, true, { a: [1] }, [2], -0.25]
    await post('/', ['RPUSH', key('l'), ...values])
    expect(await json(post('/', ['LRANGE', key('l'), 0, -1]))).toEqual({
      status: 200,
      body: { result: ['1.5', 'true', '{"a":[1]}', '[2]', '-0.25'] },
    })
  })
})

describe('bad requests', () => {
  test.each([
    ['/', 'not json'],
    ['/', ''],
    ['/', '{}'],
    ['/', '[]'],
    ['/', '[1]'],
    ['/', '"PING"'],
    ['/', '[["PING"]]'],
    ['/pipeline', 'not json'],
    ['/pipeline', '[]'],
    ['/pipeline', '["PING"]'],
    ['/pipeline', '[["PING"],[]]'],
    ['/multi-exec', '{"a":1}'],
    ['/multi-exec', '[["PING"],"PING"]'],
    ['/%E0%A4%A', ''],
    ['/subscribe', ''],
  ])('%s with %s is a 400 with an error', async (path, body) => {
    expect(await json(post(path, body))).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/^ERR /) },
    })
  })

  test('a command error is a 400 alone', async () => {
    expect(await json(post('/', ['GET']))).toEqual({
      status: 400,
      body: { error: "ERR wrong number of arguments for 'get' command" },
    })
  })

  test('a body of 10 MB passes and one byte more is refused', async () => {
    const frame = JSON.stringify(['SET', key('big'), '']).length
    const fits = ['SET', key('big'), 'x'.repeat(BODY_LIMIT_BYTES - frame)]
    expect(await json(post('/', fits))).toEqual({ status: 200, body: { result: 'OK' } })
    expect(await json(post('/', [fits[0], fits[1], `${fits[2]}x`]))).toEqual({
      status: 400,
      body: { error: `ERR max request size exceeded. Limit: 10485760 bytes, Actual: 10485761 bytes` },
    })
  })

  test('the RESP2 response format is refused instead of answered in JSON', async () => {
    expect((await post('/', ['PING'], { 'upstash-response-format': 'resp2' })).status).toBe(400)
  })
})

describe('commands that Upstash does not offer', () => {
  const REFUSED = `
    WATCH k|UNWATCH|MULTI|EXEC|DISCARD|SELECT 1|CLIENT LIST|AUTH x|HELLO 3|QUIT|SUBSCRIBE c|PSUBSCRIBE c|MONITOR
    BLPOP k 0|BRPOP k 0|BLMOVE a b LEFT RIGHT 0|BLMPOP 0 1 k LEFT|BZPOPMIN k 0|BZPOPMAX k 0|WAIT 1 0
    XREAD BLOCK 0 STREAMS s $|XREADGROUP GROUP g c BLOCK 0 STREAMS s >
    SHUTDOWN|CONFIG GET *|DEBUG SLEEP 1|REPLICAOF no one`
    .trim()
    .split(/\s*[|\n]\s*/)
    .map((line) => line.split(' '))

  test.each(REFUSED)('%s %s is refused on every route', async (...command) => {
    const error = expect.stringContaining('ERR Command is not available')
    expect(
      await json(
        post(
          '/',
          command.map((word) => word.toLowerCase()),
        ),
      ),
    ).toEqual({ status: 400, body: { error } })
    expect(await json(post('/pipeline', [['PING'], command, ['PING']]))).toEqual({
      status: 200,
      body: [{ result: 'PONG' }, { error }, { result: 'PONG' }],
    })
    expect(await json(post('/multi-exec', [['SET', key('m'), 1], command]))).toEqual({
      status: 400,
      body: { error },
    })
    expect(await json(post('/', ['GET', key('m')]))).toMatchObject({ body: { result: null } })
  })

  test('a stream named BLOCK can be read', async () => {
    expect(await json(post('/', ['XREAD', 'STREAMS', 'BLOCK', '0']))).toEqual({
      status: 200,
      body: { result: null },
    })
  })
})

describe('events', () => {
  test('the stream begins with the confirmation and carries payloads as they are', async () => {
    const stop = new AbortController()
    const response = await fetch(`${setup.gateway.url}/subscribe/${key('chat')}?_token=${TOKEN}`, {
      signal: stop.signal,
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    if (response.body === null) throw new Error('no body')
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    await post(`/publish/${key('chat')}/how are you%0Atoday`)
    const expected = `data: subscribe,${key('chat')},1\n\ndata: message,${key('chat')},how are you\ndata: today\n\n`
    while (text.length < expected.length) text += (await reader.read()).value ?? ''
    expect(text).toBe(expected)
    stop.abort()
  })
})

describe('connections', () => {
  test('one connection carries many requests', async () => {
    const socket = connect(setup.gateway.port, '127.0.0.1')
    const request = `POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-length: 8\r\n\r\n["PING"]`
    socket.write(request + request + request)
    let text = ''
    for await (const chunk of socket) {
      text += String(chunk)
      if (text.split('"PONG"').length === 4) break
    }
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(3)
  })
})

describe('script flags', () => {
  test.each([
    ['#!lua flags=allow-key-locking\nreturn 1', '\nreturn 1'],
    ['#!lua flags=allow-key-locking,no-writes\nreturn 1', '#!lua flags=no-writes\nreturn 1'],
    [
      '#!lua flags=no-writes,allow-key-locking,allow-stale\nreturn 1',
      '#!lua flags=no-writes,allow-stale\nreturn 1',
    ],
    ['#!lua flags=no-writes\nreturn 1', '#!lua flags=no-writes\nreturn 1'],
    ['#!lua\nreturn 1', '#!lua\nreturn 1'],
    ['#!lua name=x flags=allow-key-locking\r\nreturn 1', '#!lua name=x\nreturn 1'],
    ['#!lua flags=allow-key-locking', ''],
  ])('%j becomes %j for a server that reads the line', (script, sent) => {
    expect(stripShebang(script, true)).toBe(sent)
  })

  test('a server that does not read the line gets none, and the same line numbers', () => {
    expect(stripShebang('#!lua flags=no-writes\nreturn 1', false)).toBe('\nreturn 1')
  })
})
