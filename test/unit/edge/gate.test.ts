import { describe, expect, test } from 'vitest'
import { decide, type GateFacts, type QueueFacts } from '../../../edge/gate.ts'

const page = { navigation: true, wantsHtml: true }
const program = { navigation: false, wantsHtml: false }
const closed: QueueFacts = { open: false, place: 'none', quiet: false, refuses: false, storeDown: false }
const facts = (changes: Partial<GateFacts>): GateFacts => ({
  kind: page,
  bypassed: false,
  pass: 'none',
  queue: closed,
  ...changes,
})

describe('an admitted visitor', () => {
  test('is forwarded without a look at the queue', () => {
    expect(decide(facts({ pass: 'alive', queue: undefined }))).toEqual({
      action: 'forward',
      because: 'admitted',
    })
  })
  test('is renewed before the queue is looked at', () => {
    expect(decide(facts({ pass: 'renewable', queue: undefined }))).toEqual({ action: 'renew' })
  })
})

test('a bypassed request goes by, whatever the room does', () => {
  expect(decide(facts({ bypassed: true, kind: program, queue: undefined })).action).toBe('forward')
})

test('the queue is looked at only for those who need it', () => {
  expect(decide(facts({ queue: undefined }))).toEqual({ action: 'look' })
})

test.each(['suspended', 'passthrough', 'store_failure'] as const)(
  '%s lets everyone through, programs too',
  (open) => {
    const queue = { ...closed, open, storeDown: open === 'store_failure' }
    expect(decide(facts({ kind: program, queue }))).toEqual({ action: 'admit', because: open })
  },
)

test('a called visitor claims on a top-level navigation alone', () => {
  const queue = { ...closed, place: 'called' } as const
  expect(decide(facts({ queue }))).toEqual({ action: 'claim' })
  expect(decide(facts({ queue, kind: program }))).toEqual({
    action: 'hold',
    as: 'problem',
    because: 'waiting',
  })
})

test('a quiet room is entered on a top-level navigation alone, and by nobody who has a place', () => {
  const queue = { ...closed, quiet: true }
  expect(decide(facts({ queue }))).toEqual({ action: 'enter' })
  expect(decide(facts({ queue, kind: program })).action).toBe('hold')
  expect(decide(facts({ queue: { ...queue, place: 'waiting' } }))).toEqual({
    action: 'hold',
    as: 'page',
    because: 'waiting',
  })
})

test.each(['reject', 'closed', 'sold_out', 'idle'] as const)(
  '%s holds newcomers and keeps those with a place',
  (refuses) => {
    const queue = { ...closed, refuses, quiet: true }
    expect(decide(facts({ queue }))).toEqual({ action: 'hold', as: 'page', because: refuses })
    expect(decide(facts({ queue: { ...queue, place: 'waiting' } }))).toMatchObject({ because: 'waiting' })
  },
)

test('without a store nobody enters or claims', () => {
  for (const place of ['none', 'waiting', 'called'] as const) {
    const queue = { ...closed, place, quiet: true, storeDown: true }
    expect(decide(facts({ queue }))).toEqual({ action: 'hold', as: 'page', because: 'store_down' })
  }
})
