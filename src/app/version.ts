/** Our version, from the package itself. Two folders up is the package root both in src/ and in dist/. */
import { readFileSync } from 'node:fs'

export function packageVersion(): string {
  const content: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  if (typeof content !== 'object' || content === null || !('version' in content)) return 'unknown'
  return String(content.version)
}
