// Where a room's admitted requests go: the `origin` setting. Read by `room.ts`; the gate forwards by it. No I/O.

import { z } from 'zod'

/** The value that stands for the Worker bound as ORIGIN. */
export const SERVICE_BINDING = 'ORIGIN'

/** Or where any other web site is: scheme, host, and where needed port and base path. */
export const originSetting = z
  .string()
  .refine(
    (text) => text === SERVICE_BINDING || isSiteAddress(text),
    `must be "${SERVICE_BINDING}" (the service binding) or an http(s) address such as "https://www.example.com", without user, query or fragment`,
  )
  .default(SERVICE_BINDING)

function isSiteAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && username === '' && password === '' && !/[?#]/.test(text)
}
