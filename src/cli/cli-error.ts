/** A failure that is fully told by its lines: main.ts prints them on stderr, without a stack, and exits with the code. */
import type { ExitCode } from './exit-codes.ts'

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: ExitCode
  readonly lines: readonly string[]

  constructor(exitCode: ExitCode, ...lines: readonly string[]) {
    super(lines.join('\n'))
    this.exitCode = exitCode
    this.lines = lines
  }
}
