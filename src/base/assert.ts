/**
 * Assertions that stay on in production. A failed one means a broken invariant of ours, never bad input: the process
 * should crash, restart from its durable state and rejoin, which the protocol already tolerates.
 */

/** Thrown when an invariant of this program does not hold. Not meant to be caught. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/**
 * @param condition what must hold
 * @param rule the rule that was violated, as a sentence
 * @throws InvariantError when `condition` is false
 */
export function assert(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InvariantError(rule)
}

/** Makes a `switch` over a closed union exhaustive: the compiler rejects the call while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable case: ${JSON.stringify(value)}`)
}
