#!/usr/bin/env node
/** The `hearsay` program. What the commands do is in their own files. */
import { errorCode } from '../base/errors.ts'
import { EXIT } from './exit-codes.ts'
import { run } from './run.ts'

// A reader that has seen enough (`hearsay kv list m | head`) is no failure.
process.stdout.on('error', (error) => {
  process.exit(errorCode(error) === 'EPIPE' ? EXIT.done : EXIT.failed)
})

const exitCode = await run(process.argv.slice(2))
if (exitCode !== undefined) process.exit(exitCode)
