// The control: with one promise of the scripts taken out, the same crowd leaves a history that has no legal order.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { BREAKAGES, withBroken } from './broken-scripts.ts'
import { findFault } from './check.ts'
import { SEATS, SEED, setStage, type Stage } from './setup.ts'

/** Rounds of so many operations, until the fault is seen. */
const OPERATIONS = 600
const ROUNDS = 45

let stage: Stage | undefined
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage?.stop())

test.each(BREAKAGES)(
  '$name is found',
  async (breakage) => {
    console.log(`HISTORY_SEED=${SEED}`)
    let found: string | undefined
    for (let round = 0; round < ROUNDS && found === undefined; round += 1) {
      const history = await stage?.play({
        operations: OPERATIONS,
        seed: SEED + round,
        over: (redis) => withBroken(redis, breakage),
      })
      found = findFault(history ?? [], SEATS)?.message
    }
    expect(found).toMatch(/no legal order/)
  },
  180_000,
)
