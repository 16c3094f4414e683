/**
 * Schemas that are taken by their word, for one plugin scope: nothing is converted, so that a hash that was written as a
 * number and lost its last digits is an error and not another hash; and an error names the field.
 */
import type { FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { HttpError } from './problem.ts'
import { inputFaults } from './schema-faults.ts'

export function useStrictSchemas(app: FastifyInstance): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const checker = Compile(schema)
    const code = httpPart === 'body' ? 'HTTP_BODY_INVALID' : 'HTTP_QUERY_INVALID'
    return (value: unknown) => {
      if (checker.Check(value)) return { value }
      const { sentence, errors } = inputFaults(httpPart, checker.Errors(value))
      return { error: new HttpError(code, sentence, { errors }) }
    }
  })
}
