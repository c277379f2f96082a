// Text that people typed and that is kept to be shown again. Used by the schemas of orders and imports. Pure.
// Control characters and halves of surrogate pairs are refused by field: Postgres cannot store all of them, and no name
// has one. Everything else passes, joiners and marks of direction too, which names in some scripts need.

import { z } from 'zod'

/** One line; chain length limits onto it. */
export const line = z
  .string()
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must have no control characters and no halves of surrogate pairs')

/** The same with line breaks and tabs. */
export const paragraphs = z
  .string()
  .regex(
    /^(?:[^\p{Cc}\p{Cs}]|[\n\r\t])*$/u,
    'must have no control characters but line breaks, and no halves of surrogate pairs',
  )
