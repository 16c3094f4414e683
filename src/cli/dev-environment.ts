/**
 * What the replicas of `hearsay dev` inherit of the environment: all but what dev says itself. What they cannot share is
 * refused, because they would not start, or not be found where dev looks for them.
 */
import { environmentName } from '../app/options/option-schema.ts'
import type { OptionName } from '../app/options/serve-options.ts'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

type Environment = Readonly<Record<string, string | undefined>>

const SET_BY_DEV: readonly OptionName[] = [
  'storage.path',
  'web.listen-address',
  'cluster.listen-address',
  'cluster.peer-name',
  'cluster.peer',
  'log.level',
]
const NOT_SHARED: readonly OptionName[] = [
  'config.file',
  'web.config.file',
  'web.external-url',
  'web.route-prefix',
  'cluster.advertise-address',
]

/** @throws CliError 2 for what the replicas cannot share */
export function devEnvironment(environment: Environment): Environment {
  const refused = NOT_SHARED.map(environmentName).filter((name) => (environment[name] ?? '') !== '')
  if (refused.length > 0) {
    throw new CliError(
      EXIT.usage,
      ...refused.map((name) => `${name} is set, and the replicas of dev cannot use it: unset ${name}`),
    )
  }
  const own = new Set(SET_BY_DEV.map(environmentName))
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.has(name)))
}
