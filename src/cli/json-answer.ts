/** The JSON of an answer, or one line about why there is none. */
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

/**
 * What the type says is not checked: it is a replica that answers, and older ones leave things out.
 *
 * @throws CliError when the answer breaks off, or something else answers at this address
 */
export async function jsonAnswer<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? 'the answer is no JSON: is this a replica?' : 'the answer breaks off'
    throw new CliError(EXIT.failed, reason)
  }
}
