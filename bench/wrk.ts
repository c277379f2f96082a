// Drives wrk and reads its answer. One thread: the rest of the machine is for what is measured.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Load {
  readonly url: string
  /** A wrk script beside this file, and what it is given. */
  readonly script?: string
  readonly arguments?: readonly string[]
  /** Sent with every request, where the script writes none of its own. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Measured {
  readonly requests: number
  readonly perSecond: number
  /** Requests answered outside 2xx and 3xx, or not at all. */
  readonly failed: number
  /** `NaN` where the script does not write them. */
  readonly p50Ms: number
  readonly p95Ms: number
  /** User and system time that wrk itself took. */
  readonly loadCpuSeconds: number
}

/** wrk's own name and version, or `undefined` where it is not installed. */
export async function wrkVersion(): Promise<string | undefined> {
  // `wrk -v` prints its usage and exits with 1.
  const output = await run('wrk', ['-v']).catch((error: { code?: unknown; stdout?: string }) =>
    error.code === 'ENOENT' ? { stdout: '' } : { stdout: error.stdout ?? '' },
  )
  return /^wrk \S+/.exec(output.stdout)?.[0]
}

export async function runWrk(
  load: Load,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<Measured> {
  const script = load.script === undefined ? [] : ['-s', fileURLToPath(new URL(load.script, import.meta.url))]
  const headers = Object.entries(load.headers ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const own = load.arguments === undefined ? [] : ['--', ...load.arguments]
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    ...script,
    ...headers,
    load.url,
    ...own,
  ]
  // bash's `time` reports what the child took; Node does not tell it for a child.
  const { stdout, stderr } = await run('bash', [
    '-c',
    'TIMEFORMAT="cpu %U %S"; time wrk "$@"',
    'bash',
    ...args,
  ])
  return {
    requests: number(/(\d+) requests in/, stdout),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/, stdout),
    failed:
      number(/Non-2xx or 3xx responses: (\d+)/, stdout, 0) +
      number(/Socket errors: .*timeout (\d+)/, stdout, 0),
    p50Ms: number(/^p50 (\d+)/m, stdout, Number.NaN) / 1_000,
    p95Ms: number(/^p95 (\d+)/m, stdout, Number.NaN) / 1_000,
    loadCpuSeconds: number(/cpu ([\d.]+)/, stderr) + number(/cpu [\d.]+ ([\d.]+)/, stderr),
  }
}

/** The number that the pattern finds; `missing` where wrk leaves the line out when there is nothing to say. */
function number(pattern: RegExp, text: string, missing?: number): number {
  const found = pattern.exec(text)?.[1]
  if (found !== undefined) return Number(found)
  if (missing === undefined) throw new Error(`wrk did not say ${pattern.source}:\n${text}`)
  return missing
}
