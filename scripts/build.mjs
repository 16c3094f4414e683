// Compiles src/ to dist/ with tsc; dist/ is replaced, so a deleted source leaves no stale module behind.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
})
// What is wrong tsc has said itself.
if (tsc.status !== 0) process.exit(tsc.status ?? 1)
chmodSync('dist/cli/main.js', 0o755)
