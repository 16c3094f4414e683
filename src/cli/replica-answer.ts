/**
 * Whether what answers at an address is a hearsay replica at all. A real Alertmanager listens on the same port by default,
 * and before its 0.27 answers paths that are ours too, such as `/api/v1/status`, in other words.
 */
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { jsonAnswer } from './json-answer.ts'

export function noReplicaAt(url: string): CliError {
  return new CliError(EXIT.failed, `no hearsay replica answers at ${url} (is it an Alertmanager?)`)
}

/**
 * @param fields that replicas of all releases answer with
 * @throws CliError as `jsonAnswer`, and when a field is missing
 */
export async function replicaAnswer<T>(
  url: string,
  response: Response,
  fields: readonly (keyof T & string)[],
): Promise<T> {
  const answer = await jsonAnswer<T | null>(response)
  const isOurs = typeof answer === 'object' && answer !== null && fields.every((field) => field in answer)
  if (!isOurs) throw noReplicaAt(url)
  return answer
}
