/**
 * A long job that Ctrl-C or SIGTERM ends in order: what it has begun is removed, one line says how it stands, and the
 * exit code is the signal's (130, 143). A second signal ends the process at once.
 */
import { constants } from 'node:os'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

const CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const

export interface Interruption {
  readonly signal: AbortSignal
  /** For jobs that are told of their progress, which is where they can be stopped. @throws once a signal came */
  check(): void
}

/**
 * @param standing what a person must know after an interruption, asked for when it has been dealt with
 * @throws CliError with the signal's code, whatever the job made of it
 */
export async function interruptible<T>(
  run: (interruption: Interruption) => Promise<T>,
  standing: () => string,
): Promise<T> {
  const controller = new AbortController()
  let code: (typeof CODES)[keyof typeof CODES] | undefined
  const onSignal = (name: keyof typeof CODES): void => {
    if (code !== undefined) process.exit(128 + constants.signals[name])
    code = CODES[name]
    controller.abort()
  }
  const names = Object.keys(CODES) as (keyof typeof CODES)[]
  for (const name of names) process.on(name, onSignal)
  const { signal } = controller
  try {
    return await run({ signal, check: () => signal.throwIfAborted() })
  } catch (error) {
    if (code === undefined) throw error
    throw new CliError(code, `interrupted: ${standing()}`)
  } finally {
    for (const name of names) process.off(name, onSignal)
  }
}
