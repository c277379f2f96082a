// Every seat of a small hall, under many clients at once: what they were told has one order that the sequential model allows.
// HISTORY_SEED repeats what the clients choose.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { findFault } from './check.ts'
import { SEATS, SEED, setStage, type Stage } from './setup.ts'

const OPERATIONS = 6_000

let stage: Stage | undefined
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage?.stop())

test(`${OPERATIONS} operations over a network that loses, repeats and delays have a legal order on every seat`, async () => {
  console.log(`HISTORY_SEED=${SEED}`)
  const history = (await stage?.play({ operations: OPERATIONS, seed: SEED })) ?? []
  expect(findFault(history, SEATS)?.message).toBeUndefined()

  // A history in which nothing went wrong would prove little.
  const count = (fits: (one: (typeof history)[number]) => boolean) => history.filter(fits).length
  expect(count(() => true)).toBeGreaterThanOrEqual(OPERATIONS)
  expect(count(({ answer }) => answer === undefined)).toBeGreaterThan(50)
  expect(count(({ copies }) => copies > 0)).toBeGreaterThan(100)
  expect(count(({ kind }) => kind === 'wipe')).toBeGreaterThan(2)
  for (const kind of ['hold', 'extend', 'release', 'confirm', 'free', 'rebuild'] as const) {
    expect(
      count((one) => one.kind === kind),
      kind,
    ).toBeGreaterThan(30)
  }
  for (const how of ['held', 'conflict', 'gone', 'extended'] as const) {
    const said = JSON.stringify({ status: how }).slice(1, -1)
    expect(
      count(({ answer }) => JSON.stringify(answer ?? '').includes(said)),
      how,
    ).toBeGreaterThan(10)
  }
})
