/** What is wrong with the options, all of it at once. The command line prints it and exits with 2. */
import { HearsayError } from '../../base/errors.ts'

export class OptionsError extends HearsayError {
  override readonly name = 'OptionsError'
  /** One line each, never empty. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super('OPTIONS_INVALID', problems.join('\n'))
    this.problems = problems
  }
}
