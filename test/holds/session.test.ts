// A hold and the session that owns it: the waiting room is asked to keep the session as long, and one that has ended, by the
// room or by its own time, takes no more seats.

import { expect, test } from 'vitest'
import { parseRoomId } from '../../src/ids.ts'
import { roomKeys } from '../../src/redis/keys.ts'
import { setUpOrigin } from './setup.ts'

const origin = setUpOrigin()
const COMMAND = 'waiting-room-command'
const room = parseRoomId('demo')
if (room === undefined) throw new Error('a valid room id')
const ENDED = roomKeys(room).ended

const inSeconds = (seconds: number) => (Math.floor(Date.now() / 1_000) + seconds) * 1_000

async function asked(
  response: Response,
  status: number,
): Promise<[command: string | null, endsAtMs: number]> {
  expect(response.status).toBe(status)
  const { expiresAt } = (await response.json()) as { expiresAt: string }
  return [response.headers.get(COMMAND), Date.parse(expiresAt)]
}

test('a hold, and its extension, that outlive the session ask for as long a session', async () => {
  const visitor = await origin.visitor('owner', { sessionEndMs: inSeconds(60) })
  const response = await visitor.hold(['A-1-1'])
  const { holdId } = (await response.clone().json()) as { holdId: string }
  const [command, endsAtMs] = await asked(response, 201)
  expect(command).toBe(`extend-session; until=${endsAtMs}`)
  const [again, laterMs] = await asked(await visitor.post(`/api/holds/${holdId}/extend`), 200)
  expect(again).toBe(`extend-session; until=${laterMs}`)
})

test('a session whose own end is later is kept too, since its visitor may sit still; one that was extended as far is not', async () => {
  const patient = await origin.visitor('patient')
  const [command, endsAtMs] = await asked(await patient.hold(['A-1-1']), 201)
  expect(command).toBe(`extend-session; until=${endsAtMs}`)
  const times = { sessionEndMs: inSeconds(60), extendedUntilMs: inSeconds(600) }
  const extended = await origin.visitor('extended', times)
  const [none] = await asked(await extended.hold(['A-1-2']), 201)
  expect(none).toBeNull()
})

test('after its own end a session keeps its holds and takes no new ones, however far it was extended', async () => {
  const before = await origin.visitor('owner')
  const { holdId } = (await (await before.hold(['A-1-1'])).json()) as { holdId: string }
  const after = await origin.visitor('owner', {
    sessionEndMs: inSeconds(-1),
    extendedUntilMs: inSeconds(600),
  })
  for (const body of [['A-1-2'], ['A-1-1']]) {
    const refused = await after.hold(body)
    expect(await refused.json()).toMatchObject({ status: 401, code: 'admission_required', room: 'demo' })
  }
  expect((await after.get(`/api/holds/${holdId}`)).status).toBe(200)
  expect((await after.post(`/api/holds/${holdId}/extend`)).status).toBe(200)
  expect((await after.delete(`/api/holds/${holdId}`)).status).toBe(204)
})

test('a session that its room has ended takes no new hold though its token still lives, others are not touched', async () => {
  const visitor = await origin.visitor('owner')
  const { holdId } = (await (await visitor.hold(['A-1-1'])).json()) as { holdId: string }
  await origin.raw.zadd(ENDED, Date.now() + 60_000, 'session-owner---')
  for (const body of [
    { seats: ['A-1-2'] },
    { seats: ['A-1-2'], replaces: holdId },
    { bestAvailable: { quantity: 1 } },
  ]) {
    const refused = await visitor.post('/api/performances/tiny-night/holds', body)
    expect(await refused.json()).toMatchObject({
      status: 401,
      code: 'admission_required',
      queueUrl: '/.waiting-room/demo/join',
    })
  }
  expect((await visitor.post(`/api/holds/${holdId}/extend`)).status).toBe(200)
  expect((await (await origin.visitor('other')).hold(['A-1-2'])).status).toBe(201)
})
