// `npm test`: build, compile checks, lint, then every test; ends with a line `N passed, N failed`.
// The process tests run what `npm run build` made, so the build comes first and its failure is a failed test.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'

const REPORT = '.test-report.json'
const tsc = 'node_modules/typescript/bin/tsc'
const checks = [
  ['build', ['scripts/build.mjs']],
  ['types', [tsc, '-p', 'tsconfig.json', '--noEmit']],
  ['purity of the cores', [tsc, '-p', 'tsconfig.core.json']],
  ['lint and format', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']],
]

let passed = 0
let failed = 0
for (const [name, args] of checks) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status === 0) passed++
  else {
    failed++
    console.error(`check failed: ${name}`)
  }
}

rmSync(REPORT, { force: true })
const vitest = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    '--reporter=./test/conformance/tally-reporter.ts',
    `--outputFile.json=${REPORT}`,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
)
try {
  const report = JSON.parse(readFileSync(REPORT, 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
  // A file that fails to load runs no test of its own; it must not pass for silence.
  failed += report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length
} catch (error) {
  console.error(`no test report: ${error}`)
  failed++
}
if (vitest.status !== 0 && failed === 0) failed++
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
