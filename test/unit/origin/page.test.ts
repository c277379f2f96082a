// Pages are filled without their values becoming markup; buyers are one person however they spell their address.
import { expect, test } from 'vitest'
import { normalizeEmail } from '../../../origin/orders/place.ts'
import { fillPage } from '../../../origin/page.ts'

test('a title cannot become markup and data cannot end its script', () => {
  const html = '<title>{{title}}</title><script type="application/json">{{data}}</script>'
  const filled = fillPage(html, {
    title: `</title><script>alert('"&')</script>`,
    data: { text: '</script><script>alert(1)</script> {{title}} $&' },
  })
  expect(filled.match(/<script/g)).toHaveLength(1)
  expect(filled).toContain('&lt;/title&gt;')
  const data = /<script type="application\/json">(.*)<\/script>/.exec(filled)?.[1]
  expect(JSON.parse(data ?? '')).toEqual({ text: '</script><script>alert(1)</script> {{title}} $&' })
})

test('case, tags and full-width letters do not make another buyer', () => {
  const spellings = ['Ann@Example.com', ' ann@example.com ', 'ann+tickets@example.com', 'ａnn@example.com']
  expect(new Set(spellings.map(normalizeEmail))).toEqual(new Set(['ann@example.com']))
  expect(normalizeEmail('anna@example.com')).not.toBe(normalizeEmail('ann@example.com'))
})
