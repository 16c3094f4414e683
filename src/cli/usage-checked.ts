/** What a person has typed, read by something that throws: its words become a usage error. */
import { HearsayError } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

/**
 * @param before put before the words: `--duration: `
 * @throws CliError 2 for what the reader refuses
 */
export function usageChecked<T>(read: () => T, before = ''): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    throw new CliError(EXIT.usage, `${before}${error.message}`)
  }
}
