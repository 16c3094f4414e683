/**
 * The base of every error that leaves a room. `code` is API: stable, documented in docs/reference/errors.md, never
 * reused for another meaning. Text is for people and may change.
 */
export class HearsayError extends Error {
  override readonly name: string = 'HearsayError'
  readonly code: string

  /**
   * @param code stable code, `AREA_REASON`
   * @param message one sentence for a person, naming the value or limit at fault
   * @param options.cause the error underneath, kept
   */
  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The code of any thrown value, or undefined when it carries none (Node's system errors carry one as well). */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
