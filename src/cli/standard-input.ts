/** All of standard input, bounded: more than a replica takes is not read into memory first. */
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { printNote } from './output.ts'

const INPUT_BYTES_MAX = 64 * 1024 * 1024

export async function standardInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) printNote('reading standard input; Ctrl-D ends it')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > INPUT_BYTES_MAX)
      throw new CliError(EXIT.failed, `standard input has more than ${INPUT_BYTES_MAX} bytes`)
  }
  return Buffer.concat(chunks)
}
