// Writes docs/reference/conformance.md from the tables in test/conformance, which are TypeScript and compiled for it.
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
  execFileSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', 'test/conformance/reference-page.ts', '--outDir', folder, ...options],
    { stdio: 'inherit' },
  )
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const { referencePage } = await import(pathToFileURL(join(folder, 'reference-page.js')).href)
  writeFileSync('docs/reference/conformance.md', referencePage())
} finally {
  rmSync(folder, { recursive: true, force: true })
}
