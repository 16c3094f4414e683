/** Options of the library by name: one that does not exist is refused, so that a misspelt one is not silently a default. */
import { HearsayError } from '../base/errors.ts'

/**
 * @param prefix of the names in the message, such as `gossip.`
 * @throws HearsayError `OPTION_INVALID` for a name that is not known, or for what is no object
 */
export function checkOptionNames(prefix: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw optionInvalid(prefix.replace(/\.$/, '') || 'options', 'must be an object')
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const names = known.map((name) => prefix + name).join(', ')
  throw optionInvalid(`${prefix}${unknown}`, `is no option; there are ${names}`)
}

/** `OPTION_INVALID`. @param what goes on after the name */
export function optionInvalid(option: string, what: string): HearsayError {
  return new HearsayError('OPTION_INVALID', `${option} ${what}`)
}
