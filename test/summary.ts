// Prints the closing line `N passed, N failed[, N skipped]` from the report that `npm test` left; used by .ci/run.
import { readFileSync } from 'node:fs'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numFailedTestSuites: number
}

const file = new URL('output/results.json', import.meta.url)
const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
  readFileSync(file, 'utf8'),
) as Report
// A file that cannot even be loaded fails no test: it counts as one.
const failed = Math.max(numFailedTests, numFailedTestSuites > 0 ? 1 : 0)
console.log(
  `${numPassedTests} passed, ${failed} failed${numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''}`,
)
if (numPassedTests === 0 || failed > 0) process.exitCode = 1
