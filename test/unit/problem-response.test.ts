import { expect, test } from 'vitest'
import { problemResponse } from '../../src/problem.ts'

test('no extension takes the place of a member that RFC 9457 defines, nor of the code', async () => {
  const extensions = { type: 'x', title: 'x', status: 'paid', detail: 'x', code: 'x', orderStatus: 'paid' }
  const response = problemResponse('order_conflict', { detail: 'Why.', extensions })
  expect(await response.json()).toEqual({
    type: 'about:blank',
    title: 'The order is not in a state that allows this',
    status: 409,
    code: 'order_conflict',
    detail: 'Why.',
    orderStatus: 'paid',
  })
})
