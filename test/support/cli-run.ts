/** A `hearsay` command in this process: what it printed on each stream, and its exit code. Without colours. */
import { vi } from 'vitest'
import { run } from '../../src/cli/run.ts'

export interface CliEnd {
  readonly code: number
  readonly out: string
  readonly err: string
}

export async function cli(...args: readonly string[]): Promise<CliEnd> {
  let [out, err] = ['', '']
  vi.stubEnv('NO_COLOR', '1')
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    out += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    return true
  })
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    err += String(chunk)
    return true
  })
  try {
    const code = (await run(args)) ?? 0
    return { code, out, err }
  } finally {
    stdout.mockRestore()
    stderr.mockRestore()
    vi.unstubAllEnvs()
  }
}
