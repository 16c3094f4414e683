/** All checks at once, each within a time: a resolver that hangs, or a host that swallows packets, holds up no other. */
import { errorText } from '../error-text.ts'
import { type Check, type Finding, fail } from './finding.ts'

export const CHECK_TIMEOUT_MS = 5000

/** Resolves after so long. */
export type After = (ms: number) => Promise<void>

/** Never rejects. @returns in the order of the checks @param after default: a timer that holds no process */
export async function runChecks(
  checks: readonly Check[],
  after: After = unheld,
): Promise<readonly Finding[]> {
  return (await Promise.all(checks.map((check) => bounded(check, after)))).flat()
}

async function bounded({ name, subject, run }: Check, after: After): Promise<readonly Finding[]> {
  const late = after(CHECK_TIMEOUT_MS).then(() => [
    fail(
      name,
      subject,
      `no result within ${CHECK_TIMEOUT_MS / 1000} s`,
      'see what keeps this machine, or run it again',
    ),
  ])
  try {
    return await Promise.race([run(), late])
  } catch (error) {
    return [fail(name, subject, errorText(error), 'this check itself failed: please report it')]
  }
}

function unheld(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
