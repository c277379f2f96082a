// What stops a deployment, on real wrangler.toml files and by the command that `npm run deploy` begins with.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { checkConfiguration } from '../../../local/configuration.ts'

const nowMs = Date.parse('2026-11-20T12:00:00Z')
const origin = { PAYMENT_PAGE_URL: 'https://pay.example.com' }
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
// Each run loads wrangler, which is slow on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foyer-config-'))
  await mkdir(join(folder, 'origin'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the command on the two files as they are, but for what `edit` does to each. */
async function runOn(edit: { edge?: (text: string) => string; origin?: (text: string) => string }) {
  for (const [name, file] of [
    ['edge', 'wrangler.toml'],
    ['origin', join('origin', 'wrangler.toml')],
  ] as const) {
    const text = await readFile(join(ROOT, file), 'utf8')
    await writeFile(join(folder, file), edit[name]?.(text) ?? text)
  }
  const script = join(ROOT, 'local', 'check-config.ts')
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [script, '--deploy', '--root', folder], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}
const withPaymentPage = (text: string) =>
  text.replace('PAYMENT_PAGE_URL = ""', 'PAYMENT_PAGE_URL = "https://pay.example.com"')

test('the files of this project can be deployed once the payment page is known', async () => {
  expect(await runOn({ origin: withPaymentPage })).toEqual({ code: 0, stdout: '', stderr: '' })
  const { code, stderr } = await runOn({})
  expect(code).toBe(1)
  expect(stderr).toContain('origin/wrangler.toml: PAYMENT_PAGE_URL = ""')
})

test('a slip in one room stops the deployment in words, and warnings are printed', async () => {
  const slip = '\n[vars.ROOMS.club]\nhosts = ["https://club.example.com"]\nsession_duration = 90\n'
  const { code, stderr } = await runOn({ edge: (text) => text + slip, origin: withPaymentPage })
  expect(code).toBe(1)
  expect(stderr).toContain('wrangler.toml: ROOMS.club.hosts.0 = "https://club.example.com": must be a host')
  expect(stderr).not.toContain('    at ')
  const hidden = '\n[vars.ROOMS.club]\npaths = ["/club/*"]\n'
  const warned = await runOn({ edge: (text) => text + hidden, origin: withPaymentPage })
  expect(warned).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: ROOMS\.club can never/) })
})

test('a file that is no TOML is told with its line', async () => {
  const { code, stderr } = await runOn({ edge: () => 'name = "foyer-edge"\n[vars\n' })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^wrangler\.toml cannot be read \(line \d\): .*TOML/)
  expect(stderr).not.toContain('    at ')
})

test('a deployment begins with the check, and so is every change checked', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  expect(scripts.deploy).toMatch(/^npm run check:config -- --deploy && wrangler /)
  expect(scripts.check.split(' && ')).toContain('npm run check:config')
})

test('every fault of both files is told at once, and no secret is asked for', () => {
  expect(
    checkConfiguration(
      {
        edge: { COOKIES: 'none', COALESCE_WINDOWS_MS: 3, ROOMS: { demo: { burst: -1 } } },
        origin: { ...origin, HOLD_SECONDS: 600, HOLD_MAX_SECONDS: 300, ROOMS: {} },
      },
      { nowMs },
    ).faults,
  ).toEqual([
    expect.stringContaining('wrangler.toml: COALESCE_WINDOWS_MS is not a setting of this Worker'),
    'wrangler.toml: COOKIES = "none": must be "secure" or "plain"',
    'wrangler.toml: ROOMS.demo.burst = -1: must be 0 or more',
    expect.stringContaining('origin/wrangler.toml: ROOMS is not a setting of this Worker'),
    'origin/wrangler.toml: HOLD_MAX_SECONDS = 300: must be at least HOLD_SECONDS (600)',
  ])
})

test('Workers that do not agree on the issuer are not deployed', () => {
  const edge = { ISSUER: 'hall', ROOMS: { demo: {} } }
  expect(checkConfiguration({ edge, origin }, { nowMs }).faults).toEqual([
    'origin/wrangler.toml: ISSUER = "foyer": must be that of wrangler.toml ("hall"), or the origin refuses every visitor',
  ])
  expect(checkConfiguration({ edge, origin: { ...origin, ISSUER: 'hall' } }, { nowMs }).faults).toEqual([])
})

test('a lottery is a reminder of the secret that nothing else asks for', () => {
  const drawn = {
    queueing_method: 'lottery',
    prequeue_start_time: '2026-12-01T08:00:00Z',
    event_start_time: '2026-12-01T09:00:00Z',
  }
  expect(checkConfiguration({ edge: { ROOMS: { demo: {}, drawn } }, origin }, { nowMs })).toMatchObject({
    faults: [],
    warnings: [
      expect.stringContaining('ROOMS.drawn can never be reached'),
      expect.stringContaining('must have the secret DRAW_SECRET'),
    ],
  })
})
