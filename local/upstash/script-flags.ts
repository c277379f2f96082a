// Upstash scripts on real Redis: `#!lua flags=allow-key-locking` is Upstash's own and an error anywhere else.
// The gateway sends the script without it and keeps which SHA1 stands for which, since the client computes the SHA1
// of the text that it has. Used by store.ts. A gateway that restarted knows no SHA1: Redis then answers NOSCRIPT and
// the client sends EVAL. Weakness: Upstash fails a flagged script that touches undeclared keys; here it passes.

import { createHash } from 'node:crypto'
import type { Argument, Command } from './request.ts'

const UPSTASH_FLAG = 'allow-key-locking'
/** Far above the scripts of one application; a forgotten one costs its client a single EVAL. */
const REMEMBERED_SCRIPTS = 1_000

/** What to send, and the reply to give in place of the server's where that would show the other SHA1. */
export interface Rewritten {
  readonly command: Command
  readonly replyInstead?: Buffer
}

export interface ScriptFlags {
  /** Commands without a script pass through unchanged. */
  rewrite(command: Command): Rewritten
}

/** `serverReadsShebang` is false for servers that take no `#!lua` line (js-redis-server, Redis before 7). */
export function createScriptFlags(serverReadsShebang: boolean): ScriptFlags {
  /** SHA1 of the client's text → SHA1 of the text that the server has. */
  const serverSha = new Map<string, string>()

  function remember(script: string, sent: string): string {
    const sha = sha1(script)
    serverSha.set(sha, sha1(sent))
    if (serverSha.size > REMEMBERED_SCRIPTS) serverSha.delete(serverSha.keys().next().value ?? sha)
    return sha
  }

  function swapSha(sha: Argument): Argument {
    return serverSha.get(sha.toString().toLowerCase()) ?? sha
  }

  function load(command: Command, script: string): Rewritten {
    if (!script.startsWith('#!')) return { command }
    const sent = stripShebang(script, serverReadsShebang)
    return { command: ['SCRIPT', 'LOAD', sent], replyInstead: Buffer.from(remember(script, sent)) }
  }

  return {
    rewrite(command) {
      const [name, first, ...rest] = command
      if (first === undefined) return { command }
      switch (name) {
        case 'EVALSHA':
        case 'EVALSHA_RO':
          return { command: [name, swapSha(first), ...rest] }
        case 'EVAL':
        case 'EVAL_RO': {
          const script = first.toString()
          if (!script.startsWith('#!')) return { command }
          const sent = stripShebang(script, serverReadsShebang)
          remember(script, sent)
          return { command: [name, sent, ...rest] }
        }
        case 'SCRIPT': {
          const subcommand = first.toString().toUpperCase()
          if (subcommand === 'EXISTS') return { command: [name, first, ...rest.map(swapSha)] }
          if (subcommand === 'LOAD' && rest[0] !== undefined) return load(command, rest[0].toString())
          return { command }
        }
        default:
          return { command }
      }
    },
  }
}

/**
 * The script without Upstash's flag. Other flags stay where the server reads them; the newline stays always, so that
 * line numbers in error messages are those of the source.
 */
export function stripShebang(script: string, serverReadsShebang: boolean): string {
  const newline = script.indexOf('\n')
  const firstLine = newline < 0 ? script : script.slice(0, newline)
  const rest = newline < 0 ? '' : script.slice(newline)
  if (!serverReadsShebang) return rest
  const words = firstLine.trimEnd().split(/\s+/)
  const kept = words.flatMap((word) => {
    if (!word.startsWith('flags=')) return [word]
    const flags = word.slice('flags='.length).split(',')
    if (!flags.includes(UPSTASH_FLAG)) return [word]
    const others = flags.filter((flag) => flag !== '' && flag !== UPSTASH_FLAG)
    return others.length > 0 ? [`flags=${others.join(',')}`] : []
  })
  if (kept.join(' ') === words.join(' ')) return script
  return kept.length === 1 ? rest : kept.join(' ') + rest
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
