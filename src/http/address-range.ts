// Ranges of addresses in CIDR notation, as bypass rules name them: read once with the configuration, asked for a request.
// Pure. An IPv4-mapped IPv6 address is its IPv4 address, in ranges and in requests alike. Reads no other spelling of an
// address than the usual one: a rule that opens the gate must not depend on how `010.1` or `0x7f.1` is understood.

import { groupsOf } from './address.ts'

interface Address {
  readonly value: bigint
  readonly bits: 32 | 128
}

/** The addresses of one family whose first `prefixBits` bits are those of `value`. */
export interface AddressRange extends Address {
  readonly prefixBits: number
}

/** `198.51.100.0/24`, `2001:db8::/32`, or one address; `undefined` for anything else, also where bits stand behind the prefix. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  if (rest.length > 0 || (prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix))) return undefined
  const parsed = parseAddress(address)
  if (parsed === undefined) return undefined
  // `::ffff:198.51.100.0/120` counts its prefix from the front of the IPv6 spelling.
  const mappedBits = address.includes(':') && parsed.bits === 32 ? 96 : 0
  const prefixBits = prefix === undefined ? parsed.bits : Number(prefix) - mappedBits
  if (prefixBits < 0 || prefixBits > parsed.bits) return undefined
  const range = { ...parsed, prefixBits }
  return range.value === headOf(range, range) << BigInt(range.bits - prefixBits) ? range : undefined
}

/** Whether the address lies in one of the ranges; one that cannot be read lies in none. */
export function isInRanges(ranges: readonly AddressRange[], text: string): boolean {
  const address = parseAddress(text)
  if (address === undefined) return false
  return ranges.some(
    (range) => range.bits === address.bits && headOf(range, address) === headOf(range, range),
  )
}

/** The bits that decide. */
const headOf = ({ bits, prefixBits }: AddressRange, { value }: Address): bigint =>
  value >> BigInt(bits - prefixBits)

function parseAddress(text: string): Address | undefined {
  const parts = text.split('.')
  if (parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return { value: joined(parts.map(Number), 8), bits: 32 }
  }
  const url = `http://[${text}]`
  if (!/^[0-9a-f:.]+$/i.test(text) || !URL.canParse(url)) return undefined
  const groups = groupsOf(new URL(url).hostname.slice(1, -1)).map((group) => Number.parseInt(group, 16))
  const value = joined(groups, 16)
  return value >> 32n === 0xffffn ? { value: value & 0xffffffffn, bits: 32 } : { value, bits: 128 }
}

const joined = (numbers: readonly number[], bitsEach: number): bigint =>
  numbers.reduce((sum, number) => (sum << BigInt(bitsEach)) | BigInt(number), 0n)
