import { expect, test } from 'vitest'
import { startEdge } from './support.ts'

test('a Worker with faults names all of them on every request, and no secret', async () => {
  const edge = await startEdge({
    rooms: { demo: { new_users_per_minute: -5, colour: 'red' } },
    vars: {
      COOKIES: 'maybe',
      COALESCE_WINDO_MS: 3,
      QUEUE_KEYS: '{"keys":[{"kty":"oct","kid":"a","k":"weak-key"}]}',
    },
    without: ['VISITOR_SECRET', 'ADMIN_TOKEN'],
  })
  try {
    for (const path of ['/', '/.waiting-room/demo/now', '/shop']) {
      const answer = await edge.send(path)
      expect([answer.status, answer.json.code], path).toEqual([500, 'configuration_invalid'])
      const faults = answer.json.faults.join('\n')
      for (const name of [
        'VISITOR_SECRET is missing',
        'ADMIN_TOKEN is missing',
        'QUEUE_KEYS must be',
        'COOKIES = "maybe"',
        'new_users_per_minute = -5',
        '"colour"',
        'COALESCE_WINDO_MS is not a setting of this Worker',
      ]) {
        expect(faults, name).toContain(name)
      }
      expect(faults).not.toContain('weak-key')
    }
    const health = await edge.send('/healthz')
    expect([health.status, health.json]).toMatchObject([503, { levels: { config: 'invalid' } }])
    expect(edge.logs.filter((line) => line.includes('configuration_invalid'))).toHaveLength(1)
  } finally {
    await edge.stop()
  }
})
