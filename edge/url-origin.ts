// An origin by its address: any web site can stand behind a room. Called by `forward.ts` in the place of the service
// binding. Sends a request to the same path under that address, tells the site by X-Forwarded-* what the visitor asked
// for, and puts the site's own name back into redirects and cookies. Streams both ways, follows no redirect, and sets no
// time limit. Nothing leads out of the base path. Bodies are not rewritten: a page that spells out its own absolute address
// keeps it.

import { Problem } from '../src/problem.ts'
import { leavesRoot } from './path-readings.ts'

/** Where forwarded requests go: this, or the service binding, which has the same shape. */
export interface Origin {
  fetch(request: Request): Promise<Response>
}

/** The site could not be reached, or went away before it answered. Where it is behind Cloudflare, a 52x comes instead. */
export class OriginUnreachable extends Error {
  override readonly name = 'OriginUnreachable'
}

/** `address`: scheme, host, and where needed port and base path, as the room's `origin` setting has it. */
export function urlOrigin(address: string): Origin {
  const site = new URL(address)
  return {
    async fetch(request) {
      const visited = new URL(request.url)
      if (baseOf(site) !== '' && leavesRoot(visited.pathname)) throw outOfBase()
      const response = await fetch(outbound(request, visited, site)).catch((cause: unknown) => {
        throw new OriginUnreachable(cause instanceof Error ? cause.message : String(cause), { cause })
      })
      return homeward(response, visited, site)
    },
  }
}

/** The base path may be all of the host that is meant to be reached, and the site may decode more than we do. */
const outOfBase = (): Problem =>
  new Problem('bad_request', {
    detail:
      'The path leads above the top of this site when its escapes or parameters are resolved; ask for it without "..".',
  })

/** The base path without a slash at its end: "" for none. */
const baseOf = (site: URL): string => site.pathname.replace(/\/+$/, '')

function outbound(request: Request, visited: URL, site: URL): Request {
  const sent = new Request(`${site.origin}${baseOf(site)}${visited.pathname}${visited.search}`, request)
  const { headers } = sent
  headers.set('x-forwarded-host', visited.host)
  headers.set('x-forwarded-proto', visited.protocol.slice(0, -1))
  // The sender as the platform tells it; what the client itself wrote could be anything.
  headers.delete('forwarded')
  const address = request.headers.get('cf-connecting-ip')
  if (address === null) headers.delete('x-forwarded-for')
  else headers.set('x-forwarded-for', address)
  return sent
}

function homeward(response: Response, visited: URL, site: URL): Response {
  const location = response.headers.get('location')
  const newLocation = location === null ? null : visitorLocation(location, visited, site)
  const cookies = response.headers.getSetCookie()
  const newCookies = cookies.map((cookie) => visitorCookie(cookie, site))
  if (newLocation === location && newCookies.every((cookie, index) => cookie === cookies[index]))
    return response
  const changed = new Response(response.body, response)
  if (newLocation !== null) changed.headers.set('location', newLocation)
  changed.headers.delete('set-cookie')
  for (const cookie of newCookies) changed.headers.append('set-cookie', cookie)
  return changed
}

/**
 * A redirect within the site stays within what the visitor sees. An address outside the base path has none there, and one
 * that is relative to the page leads to the right place by itself: both stay as they are.
 */
function visitorLocation(location: string, visited: URL, site: URL): string {
  const whole = /^(?:https?:)?\/\//i.test(location)
  if (!whole) {
    const rest = location.startsWith('/') ? withoutBase(location, baseOf(site)) : undefined
    return rest === undefined ? location : staysOn(visited, rest) ? rest : `${visited.origin}${rest}`
  }
  if (!URL.canParse(location, site)) return location
  const target = new URL(location, site)
  const ours = isHostOf(target, site) || target.host === visited.host
  const path = ours ? withoutBase(target.pathname, baseOf(site)) : undefined
  return path === undefined ? location : `${visited.origin}${path}${target.search}${target.hash}`
}

/** Without its base a path may begin with `//` or `/\`, also with a tab between, which names another host to a browser. */
const staysOn = (visited: URL, path: string): boolean =>
  !/^\/[/\\]/.test(path) && URL.canParse(path, visited) && new URL(path, visited).origin === visited.origin

/** Behind a proxy that ends TLS a site may write https:// where it is asked by http://, so the scheme does not count. */
const isHostOf = (target: URL, site: URL): boolean =>
  target.hostname === site.hostname && (target.port === site.port || target.port === '')

/** The path as the visitor sees it; `undefined` for one outside the base. */
function withoutBase(path: string, base: string): string | undefined {
  if (!path.startsWith(base)) return undefined
  const rest = path.slice(base.length)
  if (rest === '') return '/'
  if (rest.startsWith('/')) return rest
  return /^[?#]/.test(rest) ? `/${rest}` : undefined
}

/** Without a `Domain` that names the site's own host, which the visitor's browser would refuse, and without the base path. */
function visitorCookie(cookie: string, site: URL): string {
  return cookie
    .split(';')
    .flatMap((part, index) => {
      const [, name, value = ''] = /^\s*(domain|path)\s*=\s*(.*?)\s*$/i.exec(part) ?? []
      if (index === 0 || name === undefined) return [part]
      if (name.toLowerCase() === 'domain') return isOwnDomain(value, site) ? [] : [part]
      return [` Path=${withoutBase(value, baseOf(site)) ?? value}`]
    })
    .join(';')
}

const isOwnDomain = (domain: string, site: URL): boolean =>
  domain.replace(/^\./, '').toLowerCase() === site.hostname
