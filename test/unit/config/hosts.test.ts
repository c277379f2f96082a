import { expect, test } from 'vitest'
import { ConfigError } from '../../../src/config/fault.ts'
import { parseRooms } from '../../../src/config/room.ts'

const faultsOf = (host: unknown): readonly string[] => {
  try {
    parseRooms({ demo: { hosts: [host] } })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

test.each([
  '*',
  'shop.example.com',
  'Shop.Example.COM',
  'shop.example.com.',
  'localhost',
  'under_score.example.com',
  'xn--bcher-kva.example',
  '10.0.0.7',
  '[::1]',
  '[2001:db8::*]',
  '*.example.com',
  '*.example.com.',
  'shop-*.example.com',
  'shop.*',
  '192.168.*.1',
])('hosts take %j', (host) => {
  expect(faultsOf(host)).toEqual([])
})

test.each([
  'https://shop.example.com',
  'shop.example.com:8443',
  '*:8443',
  'shop.example.com/',
  'shop.example.com/sale',
  ' shop.example.com',
  'shop.example.com ',
  'shop example.com',
  'bücher.example',
  '*.bücher.example',
  '.example.com',
  'shop..example.com',
  'shop.example.com..',
  'a,b',
  '::1',
  '[::1]:8787',
  '[0:0:0:0:0:0:0:1]',
  '10.0.7',
  '',
])('a host that no request can have guards nothing, and is a fault: %j', (host) => {
  expect(faultsOf(host)).toEqual([
    `ROOMS.demo.hosts.0 = ${JSON.stringify(host)}: must be a host name without scheme and port, such as "shop.example.com", "*.example.com" or "*"; international names in their xn-- form`,
  ])
})
