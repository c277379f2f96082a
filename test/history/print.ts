// A history as people read it: one line an operation, times in milliseconds from the first. Used in messages of failures.

import type { Operation } from './operations.ts'

export function printHistory(operations: readonly Operation[]): string {
  const start = Math.min(...operations.map(({ calledMs }) => calledMs))
  return operations
    .toSorted((a, b) => a.called - b.called)
    .map((one) => `  ${printOperation(one, start)}`)
    .join('\n')
}

function printOperation(operation: Operation, start: number): string {
  const { client, kind, called, answered, calledMs, answeredMs, copies } = operation
  const since = (ms: number) => (Number.isFinite(ms) ? `+${ms - start}` : '...')
  const when = `${since(calledMs)} to ${since(answeredMs)} ms (${called} to ${Number.isFinite(answered) ? answered : '...'})`
  const carried = copies > 0 ? `, carried ${copies + 1} times` : ''
  return `${when} ${client}: ${kind} ${printRequest(operation)}${carried} -> ${printAnswer(operation, start)}`
}

function printRequest({ request }: Operation): string {
  return Object.entries(request)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ')
}

function printAnswer(operation: Operation, start: number): string {
  if (operation.answer === undefined) return 'no answer'
  return JSON.stringify(operation.answer, (name, value: unknown) =>
    name.endsWith('AtMs') || name.endsWith('UntilMs') ? `+${Number(value) - start}` : value,
  )
}
