/**
 * Schemas that are taken by their word, for one plugin scope: nothing is converted, so that a hash that was written as a
 * number and lost its last digits is an error and not another hash; and an error names the field.
 */
import type { FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { HttpError } from './problem.ts'

interface SchemaFault {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

export function useStrictSchemas(app: FastifyInstance): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const checker = Compile(schema)
    const code = httpPart === 'body' ? 'HTTP_BODY_INVALID' : 'HTTP_QUERY_INVALID'
    return (value: unknown) => {
      if (checker.Check(value)) return { value }
      return { error: new HttpError(code, sentenceOf(checker.Errors(value))) }
    }
  })
}

function sentenceOf(faults: readonly SchemaFault[]): string {
  // The first of the boolean schema only says that another one, which has the name, is broken.
  const fault = faults.find(({ keyword }) => keyword !== 'boolean')
  if (fault === undefined) return 'it does not have the form that is documented'
  const place = placeOf(fault.instancePath)
  const stranger = 'additionalProperties' in fault.params ? fault.params.additionalProperties : undefined
  if (Array.isArray(stranger)) {
    const names = stranger.slice(0, 3).map((name) => JSON.stringify(String(name).slice(0, 100)))
    return `${place === '' ? '' : `${place}: `}${names.join(', ')} is not expected`
  }
  return `${place === '' ? 'it' : place} ${fault.message}`
}

/** `/alerts/3/labels` gives `alerts[3].labels`. */
function placeOf(path: string): string {
  const parts = path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return parts
    .reduce((place, part) => (/^\d+$/.test(part) ? `${place}[${part}]` : `${place}.${part}`), '')
    .slice(1, 200)
}
