// Who may ask a dependency that fails, and when.
import { expect, test } from 'vitest'
import { Outage } from '../../../origin/outage.ts'

test('until it fails everybody asks', () => {
  const outage = new Outage()
  expect([outage.mayAsk(0), outage.mayAsk(0), outage.mayAsk(1)]).toEqual([true, true, true])
})

test('after a failure nobody asks for five seconds, then one does, and then nobody again', () => {
  const outage = new Outage()
  outage.failed(1_000)
  expect([outage.mayAsk(1_001), outage.mayAsk(5_999)]).toEqual([false, false])
  expect([outage.mayAsk(6_000), outage.mayAsk(6_000), outage.mayAsk(10_999)]).toEqual([true, false, false])
  expect(outage.mayAsk(11_000), 'the one that tried was cancelled').toBe(true)
})

test('an answer ends the outage at once', () => {
  const outage = new Outage()
  outage.failed(0)
  expect(outage.mayAsk(5_000)).toBe(true)
  outage.recovered()
  expect([outage.mayAsk(5_001), outage.mayAsk(5_001)]).toEqual([true, true])
})

test('the failure that begins an outage is told from those that follow', () => {
  const outage = new Outage()
  expect([outage.failed(0), outage.failed(1), outage.failed(5_000)]).toEqual([true, false, false])
  outage.recovered()
  expect(outage.failed(6_000)).toBe(true)
})
