// One HTTP call of the benchmarks' own visitors. Over node:http: `fetch` costs the load four times as much and writes
// Sec-Fetch headers of its own, so that nothing that it asks for is a visit.

import { request, type Agent, type IncomingHttpHeaders } from 'node:http'

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingHttpHeaders
}

/** `body`: JSON, or a text that is sent as a form. */
export function call(
  method: 'GET' | 'POST',
  url: string,
  {
    agent,
    headers = {},
    body,
  }: { agent?: Agent; headers?: Readonly<Record<string, string>>; body?: unknown } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'application/x-www-form-urlencoded' : 'application/json'
  const all = text === undefined ? headers : { 'content-type': type, ...headers }
  const sent = request(url, { ...(agent && { agent }), method, headers: all }, (response) => {
    let answer = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => (answer += chunk))
    response.on('error', reject)
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, text: answer, headers: response.headers }),
    )
  })
  sent.on('error', reject)
  sent.end(text)
  return promise
}
