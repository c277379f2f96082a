// Reads a JSON body against a schema, with a limit on its size. Called by the routes of both Workers before they act.
// Never answers half a body: every fault of the fields is reported at once, by JSON Pointer.

import type { z } from 'zod'
import { messageOf } from '../accepted.ts'
import { Problem, type FieldError } from '../problem.ts'

const JSON_TYPE = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i

export interface BodyLimits {
  /** Largest body that is read, in bytes after decoding; a larger one is refused without reading it to its end. */
  readonly limitBytes: number
}

/**
 * The parsed body. An empty body without a content type reads as `{}`, so that a call whose fields are all optional
 * needs none. Throws `Problem` unsupported_media_type, body_too_large, invalid_json or validation_failed.
 */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  { limitBytes }: BodyLimits,
): Promise<z.output<Schema>> {
  const text = await readText(request, { limitBytes })
  const contentType = request.headers.get('content-type')
  if (contentType === null ? text !== '' : !JSON_TYPE.test(contentType)) {
    throw new Problem('unsupported_media_type', {
      detail:
        contentType === null
          ? 'The body came without a content type; send application/json.'
          : 'The body came in another format; send application/json.',
    })
  }
  const body = text === '' ? {} : parseJson(text)
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw notAcceptable(fieldErrors(parsed.error, body))
}

/** The problem that names the fields of a body and what is accepted in each. */
export function notAcceptable(errors: readonly FieldError[]): Problem {
  return new Problem('validation_failed', {
    detail: `${errors.length === 1 ? 'One field is' : `${errors.length} fields are`} not acceptable: ${errors
      .map(({ field }) => field || 'the body')
      .join(', ')}.`,
    errors,
  })
}

/**
 * The body as text; stops reading, and throws `Problem` body_too_large, at the first byte past the limit. A body that
 * breaks off is a `Problem` too: only a sender who went away can cause it, so it is no error of ours in the log.
 */
export async function readText(request: Request, { limitBytes }: BodyLimits): Promise<string> {
  const tooLarge = () =>
    new Problem('body_too_large', {
      detail: `The body is larger than the ${limitBytes} bytes accepted here.`,
    })
  const stated = request.headers.get('content-length')
  if (Number(stated ?? 0) > limitBytes) throw tooLarge()
  if (stated === '0' || request.body === null) return ''
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  let text = ''
  let sizeBytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(brokenOff)
      if (done) return text + decoder.decode()
      sizeBytes += value.byteLength
      if (sizeBytes > limitBytes) throw tooLarge()
      text += decoder.decode(value, { stream: true })
    }
  } catch (error) {
    // Rejects once more where the body broke off.
    await reader.cancel().catch(() => {})
    if (error instanceof TypeError)
      throw new Problem('invalid_json', { detail: 'The body is not valid UTF-8.' })
    throw error
  }
}

function brokenOff(): never {
  throw new Problem('bad_request', { detail: 'The body broke off before its end.' })
}

/** Each issue of `body` by JSON Pointer (RFC 6901); an unknown field is named itself, not only its parent. */
export function fieldErrors(error: z.ZodError, body: unknown): FieldError[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: pointer([...issue.path, key]), message: 'is not a known field' }))
      : [{ field: pointer(issue.path), message: messageOf(issue, body) }],
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new Problem('invalid_json', { detail: 'The body is not valid JSON.' })
  }
}

const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
