/**
 * Schemas that are taken by their word: nothing is converted, so that a hash that was written as a number and lost its
 * last digits is an error and not another hash; and an error names the field.
 *
 * A schema is compiled once a process, however many apps are built from it: fastify's own compiler took most of the time
 * that a start of the HTTP side took.
 */
import type { FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { HttpError } from './problem.ts'
import { inputFaults } from './schema-faults.ts'

const compiled = new WeakMap<TSchema, Validator>()

/** For an app and all its scopes. */
export function useStrictSchemas(app: FastifyInstance): void {
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const checker = compiled.get(schema) ?? Compile(schema)
    compiled.set(schema, checker)
    const code = httpPart === 'body' ? 'HTTP_BODY_INVALID' : 'HTTP_QUERY_INVALID'
    return (value: unknown) => {
      if (checker.Check(value)) return { value }
      const { sentence, errors } = inputFaults(httpPart, checker.Errors(value))
      return { error: new HttpError(code, sentence, { errors }) }
    }
  })
}
