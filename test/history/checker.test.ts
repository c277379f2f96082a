// The checker on histories made by hand: what is legal, what is not, and what it shows of it. Times are both places in the
// count of events and milliseconds.

import { describe, expect, test } from 'vitest'
import { findFault } from './check.ts'
import { holdsOf, type Operation, type OperationOf } from './operations.ts'
import { order, placeAll } from './search.ts'
import { smallestWindow } from './window.ts'

const TTL = 1_000
const LIFE = 5_000

type Times = readonly [called: number, answered?: number]

function make<K extends Operation['kind']>(
  kind: K,
  [called, answered = Number.POSITIVE_INFINITY]: Times,
  request: OperationOf<K>['request'],
  answer?: OperationOf<K>['answer'],
): Operation {
  const times = { called, answered, calledMs: called, answeredMs: answered, copies: 0, overMs: called + 500 }
  // Kind, request and answer belong together by the type of this function.
  return { kind, client: 'c', request, ...times, ...(answer !== undefined && { answer }) } as Operation
}

const wish = (id: string, ordinals: readonly number[]) => ({
  id,
  session: `of ${id}`,
  ordinals,
  ttlMs: TTL,
  maxLifeMs: LIFE,
  extensions: 1,
})
const held = (id: string, times: Times, made: number, ordinals = [0]) =>
  make('hold', times, wish(id, ordinals), {
    status: 'held',
    expiresAtMs: made + TTL,
    lastsUntilMs: made + LIFE,
    extensionsLeft: 1,
    ordinals,
    conflicts: [],
  })
const refused = (id: string, times: Times, state: 'held' | 'sold', ordinals = [0], taken = ordinals) =>
  make('hold', times, wish(id, ordinals), {
    status: 'conflict',
    conflicts: taken.map((ordinal) => ({ ordinal, state })),
  })
const silent = (id: string, called: number, ordinals = [0]) => make('hold', [called], wish(id, ordinals))
const extended = (id: string, times: Times, until: number, left = 0, requestId = 'r') =>
  make(
    'extend',
    times,
    { id, session: `of ${id}`, ttlMs: TTL, requestId },
    {
      status: 'extended',
      expiresAtMs: until,
      lastsUntilMs: LIFE + 10,
      extensionsLeft: left,
    },
  )
const ended = (id: string, times: Times) =>
  make('extend', times, { id, session: `of ${id}`, ttlMs: TTL }, { status: 'gone', owned: true })
const released = (id: string, times: Times, answer = true, session = `of ${id}`) =>
  make('release', times, { id, session }, answer)
const sold = (id: string, times: Times, ordinals = [0]) => make('confirm', times, { id, ordinals }, 'done')
const returned = (requestId: string, times: Times, ordinals = [0]) =>
  make('free', times, { requestId, ordinals }, 'done')
const seen = (times: Times, map: string, rebuild?: string) =>
  make('map', times, rebuild === undefined ? {} : { rebuild }, { status: 'full', version: 1, map })
const wiped = (times: Times) => make('wipe', times, {}, 'done')
const opened = (at: number, soldSeats: readonly number[] = []) => [
  make('map', [at, at + 0.1], { rebuild: `at ${at}` }, { status: 'unloaded', version: 0 }),
  make(
    'rebuild',
    [at + 0.2, at + 0.3],
    { rebuild: `at ${at}`, sold: soldSeats },
    { status: 'rebuilt', version: 1 },
  ),
]
const rebuilt = (rebuild: string, times: Times, soldSeats: readonly number[]) =>
  make('rebuild', times, { rebuild, sold: soldSeats }, { status: 'rebuilt', version: 2 })

const again = (operation: Operation): Operation => ({ ...operation, copies: 1 })

const faultOf = (...history: Operation[]) => findFault([...opened(0), ...history], 2)?.message

describe('legal', () => {
  test.each<[string, Operation[]]>([
    [
      'a hold, and the next one when it has run out',
      [held('a', [10, 12], 11), held('b', [1_010, 1_020], 1_011)],
    ],
    ['a refusal while another holds', [held('a', [10, 12], 10), refused('b', [20, 22], 'held')]],
    ['calls at once, the later answered first', [held('a', [10, 40], 30), refused('b', [11, 50], 'held')]],
    ['a refused call that began before the hold', [refused('b', [9, 40], 'held'), held('a', [10, 12], 11)]],
    ['a hold without an answer that was made', [silent('a', 10), refused('b', [20, 22], 'held')]],
    ['a hold without an answer that was not made', [silent('a', 10), held('b', [20, 22], 21)]],
    [
      'a refused hold whose copy comes late',
      [
        held('a', [10, 12], 11),
        again(refused('b', [20, 22], 'held')),
        released('a', [30, 32]),
        refused('c', [40, 42], 'held'),
      ],
    ],
    [
      'a hold that lives longer',
      [held('a', [10, 10], 10), extended('a', [500, 510], 1_505), refused('b', [1_400, 1_410], 'held')],
    ],
    [
      'a repeated extension that moves nothing',
      [held('a', [10, 10], 10), extended('a', [500, 510], 1_505), extended('a', [600, 610], 1_505)],
    ],
    [
      'a sale out of another hold',
      [
        held('a', [10, 12], 11),
        held('b', [1_020, 1_022], 1_021),
        sold('a', [1_030, 1_032]),
        ended('b', [1_040, 1_042]),
        seen([1_050, 1_052], 'sf'),
      ],
    ],
    [
      'a seat that is sold, returned and held anew',
      [held('a', [10, 12], 11), sold('a', [20, 22]), returned('r', [30, 32]), held('b', [40, 42], 41)],
    ],
    [
      'a sale that is told again after the return',
      [
        held('a', [10, 12], 11),
        sold('a', [20, 22]),
        returned('r', [30, 32]),
        sold('a', [40, 42]),
        seen([50, 52], 'ff'),
      ],
    ],
    [
      'a loss, after which only what was sold is known',
      [
        held('a', [10, 12], 11),
        wiped([20, 22]),
        ...opened(30, [1]),
        seen([40, 42], 'fs'),
        released('a', [50, 52], false),
      ],
    ],
    [
      'a rebuild that keeps a sale which it did not know',
      [seen([10, 12], 'ff', 'x'), sold('a', [20, 22]), rebuilt('x', [30, 32], []), seen([40, 42], 'sf')],
    ],
  ])('%s', (_, history) => {
    expect(faultOf(...history)).toBeUndefined()
  })
})

describe('not legal', () => {
  test.each<[string, Operation[]]>([
    ['two holds of one seat', [held('a', [10, 12], 11), held('b', [20, 22], 21)]],
    ['a refusal while nobody holds', [refused('b', [20, 22], 'held')]],
    [
      'a refusal after the release was answered',
      [held('a', [10, 12], 11), released('a', [20, 22]), refused('b', [23, 25], 'held')],
    ],
    ['a hold that ends a second early', [held('a', [10, 12], 11), held('b', [500, 502], 501)]],
    [
      'a hold that ends two milliseconds late',
      [held('a', [10, 10], 10), refused('b', [1_013, 1_015], 'held')],
    ],
    ['an answer that tells another time than was asked for', [held('a', [10, 12], 30)]],
    [
      'an extension of a hold that was released',
      [held('a', [10, 10], 10), released('a', [20, 22]), extended('a', [30, 32], 1_031)],
    ],
    [
      'an extension that did nothing',
      [held('a', [10, 10], 10), extended('a', [500, 510], 1_505), held('b', [1_100, 1_110], 1_105)],
    ],
    [
      'a repeated extension that counts',
      [held('a', [10, 10], 10), extended('a', [500, 510], 1_505), extended('a', [600, 610], 1_605, -1)],
    ],
    ['a release by somebody else', [held('a', [10, 12], 11), released('a', [20, 22], true, 'of b')]],
    ['a release that is denied to the owner', [held('a', [10, 12], 11), released('a', [20, 22], false)]],
    ['a sale that nobody sees', [held('a', [10, 12], 11), sold('a', [20, 22]), seen([30, 32], 'ff')]],
    [
      'a sale that leaves the seat to another hold',
      [
        held('a', [10, 12], 11),
        held('b', [1_020, 1_022], 1_021),
        sold('a', [1_030, 1_032]),
        released('b', [1_040, 1_042]),
        seen([1_050, 1_052], 'ff'),
      ],
    ],
    [
      'a seat that stays sold after its return',
      [sold('a', [20, 22]), returned('r', [30, 32]), refused('b', [40, 42], 'sold')],
    ],
    [
      'a rebuild that undoes a sale',
      [seen([10, 12], 'ff', 'x'), sold('a', [20, 22]), rebuilt('x', [30, 32], []), seen([40, 42], 'ff')],
    ],
    [
      'a hold that outlives a loss',
      [held('a', [10, 12], 11), wiped([20, 22]), ...opened(30), refused('b', [40, 42], 'held')],
    ],
    [
      'a hold that takes one seat of two',
      [
        make('hold', [10, 12], wish('a', [0, 1]), {
          status: 'held',
          expiresAtMs: 11 + TTL,
          lastsUntilMs: 11 + LIFE,
          extensionsLeft: 1,
          ordinals: [1],
          conflicts: [],
        }),
      ],
    ],
  ])('%s', (_, history) => {
    expect(faultOf(...history)).toMatch(/no legal order/)
  })
})

test('a hold without an answer that took one of its seats alone is found', () => {
  const history = [silent('a', 10, [0, 1]), refused('b', [20, 22], 'held'), held('c', [30, 32], 31, [1])]
  expect(faultOf(...history)).toMatch(/^hold a has taken seat 0 and not seat 1/)
  expect(faultOf(...history.slice(0, 2))).toBeUndefined()
})

test('the window is the operations that contradict each other, without what lies around and between them', () => {
  const wrong = [held('y', [500, 502], 501), held('z', [530, 532], 531)]
  const history = [
    ...opened(0),
    held('a', [10, 12], 11),
    refused('b', [20, 22], 'held'),
    released('a', [30, 32]),
    ...wrong,
    seen([510, 512], 'hf'),
    seen([540, 542], 'hf'),
    released('z', [550, 552]),
  ].toSorted((a, b) => a.called - b.called)
  expect(smallestWindow(history, 0, holdsOf(history))).toEqual(wrong)
  expect(findFault(history, 2)?.message).toMatch(
    /seat 0: these 2 operations have no legal order\n {2}\+0 to \+2 ms/,
  )
})

test('a search that gives up says so, and never that all is well', () => {
  const history = [...opened(0), silent('a', 10), held('b', [20, 22], 21)]
  expect(order(placeAll(history, 0, holdsOf(history)), { limit: 2 })).toBe('undecided')
})
