// One HTTP call of the benchmarks' own visitors. Over node:http: `fetch` costs the load four times as much and writes
// Sec-Fetch headers of its own, so that nothing that it asks for is a visit.

import { request, type Agent, type IncomingHttpHeaders } from 'node:http'

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: IncomingHttpHeaders
}

export function call(
  method: 'GET' | 'POST',
  url: string,
  { agent, headers = {} }: { agent?: Agent; headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = request(url, { ...(agent && { agent }), method, headers }, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => (text += chunk))
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }))
  })
  sent.on('error', reject)
  sent.end()
  return promise
}
