// Says once, before the tests, what this machine lacks and which tests are skipped for it. Run by vitest (globalSetup).
import { findOnPath } from '../local/redis.ts'
import { findBrowser } from './e2e/browser.ts'

export default async function sayWhatIsMissing(): Promise<void> {
  if ((await findOnPath()) === undefined) {
    console.warn(
      'No redis-server or valkey-server on PATH: tests run on js-redis-server; those that need the real one are skipped.',
    )
  }
  if ((await findBrowser()) === undefined) {
    console.warn(
      'No Chromium on PATH (Debian: apt-get install chromium; or set CHROMIUM): browser tests are skipped.',
    )
  }
  if (process.platform !== 'linux') {
    console.warn('Not Linux: the tests of processes left behind read /proc and are skipped.')
  }
}
