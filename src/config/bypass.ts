// Bypass rules: which requests of a room go to the origin without passing the queue. The schema alone; `edge/room-match.ts`
// compares requests by them. No fault shows the value of a header or a cookie, which may be a secret (`fault.ts`).

import { z } from 'zod'
import { parseAddressRange } from '../http/address-range.ts'

/** A token of RFC 9110 section 5.6.2: what headers and cookies may be called. */
const NAME = /^[\w!#$%&'*+.^`|~-]+$/

const patternsByName = (kind: string) =>
  z
    .record(
      z.string(),
      z.string('must be a pattern').min(1, 'must not be empty: "*" stands for any run of characters'),
      `must be a table of ${kind} names and patterns`,
    )
    .refine((patterns) => {
      const names = Object.keys(patterns)
      return names.length > 0 && names.every((name) => NAME.test(name))
    }, `must have at least one ${kind} name, and no name with spaces, separators or letters beyond ASCII`)

/** A request that matches every given member of one rule goes by. */
export const bypassRule = z
  .strictObject({
    /** Path pattern; `*` stands for any run of characters. */
    path: z.string().startsWith('/', 'must begin with "/"').optional(),
    /** HTTP methods, upper case. */
    methods: z
      .array(z.string().regex(/^[A-Z]+$/, 'must be an upper-case HTTP method'))
      .min(1)
      .optional(),
    /** Header → pattern of its value. A client can send any: let the value be a secret. */
    headers: patternsByName('header').optional(),
    /** Cookie → pattern of its value. A client can send any: let the value be a secret. */
    cookies: patternsByName('cookie').optional(),
    /** Ranges of which one must hold the sender's address, as the platform tells it (CF-Connecting-IP). */
    addresses: z
      .array(
        z
          .string()
          .refine(
            (range) => parseAddressRange(range) !== undefined,
            'must be an address range such as "198.51.100.0/24" or "2001:db8::/32", with nothing behind the prefix, or one address',
          ),
      )
      .min(1)
      .optional(),
  })
  .refine((rule) => Object.values(rule).some((member) => member !== undefined), {
    error: 'must name a path, methods, headers, cookies or addresses',
    // Whoever misspelt the one member is told that, and not also that there is none.
    when: ({ issues }) => issues.length === 0,
  })
