/**
 * What a thrown value says, with what lies beneath it: `TypeError: fetch failed: connect ECONNREFUSED 127.0.0.1:1`. Libraries
 * put the reason into `cause`, and of a host with several addresses into `errors`, of which the first stands for all.
 */
import { errorCode } from '../base/errors.ts'

/** Errors beneath one another that are told. */
export const CAUSES_MAX = 4
export const ERROR_TEXT_CHARS_MAX = 1000

export function errorText(error: unknown): string {
  const parts = [ownText(error)]
  let cause = beneath(error)
  for (let i = 0; i < CAUSES_MAX && cause !== undefined; i++) {
    const text = causeText(cause)
    if (text !== '' && parts.at(-1)?.includes(text) !== true) parts.push(text)
    cause = beneath(cause)
  }
  return parts.join(': ').slice(0, ERROR_TEXT_CHARS_MAX)
}

function beneath(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined
  if (error.cause !== undefined) return error.cause
  return error instanceof AggregateError ? error.errors[0] : undefined
}

/** The code goes first, unless the message has it. */
function causeText(error: unknown): string {
  if (!(error instanceof Error)) return ownText(error)
  const code = errorCode(error) ?? ''
  return error.message.includes(code) ? error.message : [code, error.message].filter(Boolean).join(' ')
}

function ownText(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value that has no text'
  }
}
