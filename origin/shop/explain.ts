// What a refusal means for the visitor, in the words of the shop: what the API writes is for programs and their authors.
// Pure; called wherever an answer is not ok.

import type { Answer } from './api.ts'
import { en } from './text/en.ts'

/** `here` has the sentences for codes that mean something more definite at this step. */
export function explain(
  { status, code }: Extract<Answer, { ok: false }>,
  here: Readonly<Record<string, string>> = {},
): string {
  if (status === 0) return en.noAnswer
  return here[code] ?? en.problem[code] ?? (status === 429 ? en.tooMany : en.refused)
}
