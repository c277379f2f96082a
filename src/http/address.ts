// The address of the sender, as abuse limits count it. Only from the platform's own header; anything that a client can
// write itself (X-Forwarded-For) is ignored. Pure.

const V4_MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i

/**
 * An IPv4 address as it is, IPv6 by its /64 (one subscriber has at least that), IPv4-mapped IPv6 as IPv4.
 * `undefined` where the platform gives none: only outside Cloudflare, where the proxy in front must set the header.
 */
export function addressOf(request: Request): string | undefined {
  const address = request.headers.get('cf-connecting-ip')?.trim()
  if (address === undefined || address === '') return undefined
  if (!address.includes(':')) return address
  // URL spells any IPv6 text in one way (RFC 5952), mapped addresses in hexadecimal.
  const url = `http://[${address.replace(/%.*$/, '')}]`
  if (!URL.canParse(url)) return address.slice(0, 64)
  const canonical = new URL(url).hostname.slice(1, -1)
  const mapped = V4_MAPPED.exec(canonical)?.[1] ?? fromHexMapped(canonical)
  return mapped ?? `${groupsOf(canonical).slice(0, 4).join(':')}::/64`
}

function fromHexMapped(canonical: string): string | undefined {
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  const high = Number.parseInt(match[1], 16)
  const low = Number.parseInt(match[2], 16)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** All eight groups of a canonical address, `::` written out. */
export function groupsOf(canonical: string): string[] {
  const [head = '', tail] = canonical.split('::')
  const before = head === '' ? [] : head.split(':')
  if (tail === undefined) return before
  const after = tail === '' ? [] : tail.split(':')
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
}
