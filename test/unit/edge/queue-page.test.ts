import { expect, test } from 'vitest'
import template from '../../../edge/page/queue.html'
import { renderQueuePage } from '../../../edge/queue-page.ts'

test('without script, whoever has not joined reads what the line is before its button', () => {
  const html = renderQueuePage(
    {
      room: 'demo',
      title: 'Winter Lights',
      message: '',
      base: '/.waiting-room/demo',
      returnTo: '/shop?a=1&b=2',
      state: 'open',
      queue: null,
      claimWindowSeconds: 30,
      lateGraceSeconds: 600,
    },
    template,
  )
  const fallback = html.slice(html.indexOf('class="fallback"'))
  expect(fallback).toMatch(/<p>[^<]*Join the line to get your place[^<]*<\/p><form/)
  expect(fallback).toContain('value="/shop?a=1&amp;b=2"')
})
