// Writes docs/reference/conformance.md and memberlist.md from the tables in test/conformance and test/parity, which are
// TypeScript and compiled for it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'hearsay-conformance-'))
try {
  const options = [
    '--ignoreConfig',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--rewriteRelativeImportExtensions',
    '--types',
    '',
  ]
  const pages = ['test/conformance/reference-page.ts', 'test/parity/reference-page.ts']
  execFileSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', ...pages, '--rootDir', 'test', '--outDir', folder, ...options],
    { stdio: 'inherit' },
  )
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const compiled = (page) => import(pathToFileURL(join(folder, page, 'reference-page.js')).href)
  const { referencePage } = await compiled('conformance')
  const { memberlistPage } = await compiled('parity')
  writeFileSync('docs/reference/conformance.md', referencePage())
  writeFileSync('docs/reference/memberlist.md', memberlistPage())
} finally {
  rmSync(folder, { recursive: true, force: true })
}
