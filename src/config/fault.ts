// Configuration faults: gathered, never thrown one by one. Used by every parser in this folder; no I/O.

import type { z } from 'zod'
import { messageOf, valueAt } from '../accepted.ts'

/** Thrown once per parse with every fault in it; each line names the variable, its value and what is accepted. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(
      `Configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n- ${faults.join('\n- ')}`,
    )
    this.faults = faults
  }
}

/** One sentence a fault: `ROOMS.demo.burst = -1: must be 0 or more`. Values of secrets are never shown. */
export function describeIssues(root: string, input: unknown, error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const path = [root, ...issue.path.map(String)].filter(Boolean).join('.')
    const value = valueAt(input, issue.path)
    if (issue.code === 'unrecognized_keys') {
      return `${path}: unknown setting ${issue.keys.map((key) => `"${key}"`).join(', ')}`
    }
    const shown = value === undefined || isSecret(issue.path, value) ? '' : ` = ${JSON.stringify(value)}:`
    return `${path}${shown} ${messageOf(issue, input)}`
  })
}

/** Values that let a request by the gate, and addresses with a password in them: faults are read by everyone. */
const isSecret = (path: readonly PropertyKey[], value: unknown): boolean =>
  path.includes('headers') ||
  path.includes('cookies') ||
  (typeof value === 'string' && /\/\/[^/]*@/.test(value))

/**
 * A fault for each variable or secret that the Worker does not know: a misspelt one would silently leave a default in
 * force. Bindings are objects of the platform's own classes and are passed over. Values are not shown.
 */
export function unknownNames(env: object, known: readonly string[]): string[] {
  const isData = (value: unknown) =>
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    Object.getPrototypeOf(value) === Object.prototype
  return Object.entries(env)
    .filter(([name, value]) => !known.includes(name) && typeof value !== 'function' && isData(value))
    .map(([name]) => `${name} is not a setting of this Worker; known are ${known.join(', ')}`)
}
