// Seat scripts with one promise taken out, to show that the check of histories sees it. A fault is an exact replacement of text
// in one Lua file; where that text is not there exactly once, nothing runs. Used by broken.test.ts alone.

import { readFileSync } from 'node:fs'
import type { Redis } from '@upstash/redis/cloudflare'

export interface Breakage {
  readonly name: string
  /** In src/redis/lua/seats. */
  readonly file: string
  readonly text: string
  readonly broken: string
}

export const BREAKAGES: readonly Breakage[] = [
  {
    name: 'a hold that does not look whether the seats are free',
    file: 'hold.lua',
    text: 'if #free < #wanted or #free == 0 then',
    broken: 'if false then',
  },
  {
    name: 'a hold that takes what it can get',
    file: 'hold.lua',
    text: 'local wanted = partial and free or ordinals',
    broken: 'local wanted = free',
  },
  {
    name: 'a release that does not ask whose hold it is',
    file: 'release.lua',
    text: 'local own = hold and hold.session == ARGV[4]',
    broken: 'local own = hold',
  },
  {
    name: 'an end of a hold that ignores the fence',
    file: 'records.lua',
    text: "if owners[i + 1] == hold.fence .. ' ' .. hold.id then",
    broken: 'if true then',
  },
  {
    name: 'a sale that does not take the seat from another hold',
    file: 'confirm.lua',
    text: '    lose(ordinal, owner)',
    broken: '    local nothing = nil',
  },
  {
    name: 'a hold that ends a second early',
    file: 'records.lua',
    text: "'-inf', whole(now), 'LIMIT'",
    broken: "'-inf', whole(now + 1000), 'LIMIT'",
  },
  {
    name: 'an extension of a hold that has ended',
    file: 'extend.lua',
    text: "if hold.status ~= 'live' then\n  return { 'gone', '1' }",
    broken: "if false then\n  return { 'gone', '1' }",
  },
  {
    name: 'an extension that lengthens nothing',
    file: 'extend.lua',
    text: '\nsave(hold, hold.expires)\n',
    broken: '\n',
  },
  {
    name: 'a sale that is told again and sells the seat again',
    file: 'confirm.lua',
    text: "if hold and hold.status == 'sold' and hold.ordinals == ARGV[4] then",
    broken: 'if false then',
  },
  {
    name: 'a rebuild that overwrites what has changed since Postgres was read',
    file: 'rebuild.lua',
    text: '    touched[ordinal] = true',
    broken: '    touched[ordinal] = nil',
  },
]

/** Redis as it would be with the broken script. Throws where the script is not as the breakage expects it. */
export function withBroken(redis: Redis, { file, text, broken }: Breakage): Redis {
  const source = readFileSync(new URL(`../../src/redis/lua/seats/${file}`, import.meta.url), 'utf8')
  const found = source.split(text).length - 1
  if (found !== 1) throw new Error(`${file} has ${found} times what is to be broken: ${text}`)
  const brokenSource = source.replace(text, () => broken)
  return new Proxy(redis, {
    get(target, property): unknown {
      if (property === 'evalsha')
        return () => Promise.reject(new Error('NOSCRIPT: every script comes as text'))
      if (property !== 'eval') return Reflect.get(target, property)
      return (script: string, keys: string[], values: string[]) =>
        target.eval(
          script.replace(source, () => brokenSource),
          keys,
          values,
        )
    },
  })
}
