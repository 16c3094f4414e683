/** Counts responses by method and status. One integer per pair; both sets are closed, so the table stays small. */
import type { onResponseHookHandler } from 'fastify'
import type { Sample, SampleSource } from './metrics/registry.ts'

export interface ResponseCounts {
  readonly onResponse: onResponseHookHandler
  readonly samples: SampleSource
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'])

export function createResponseCounts(): ResponseCounts {
  const countsOfMethod = new Map<string, Map<number, number>>()
  return {
    onResponse: (request, reply, done) => {
      const method = METHODS.has(request.method) ? request.method : 'other'
      let counts = countsOfMethod.get(method)
      if (counts === undefined) {
        counts = new Map()
        countsOfMethod.set(method, counts)
      }
      counts.set(reply.statusCode, (counts.get(reply.statusCode) ?? 0) + 1)
      done()
    },
    samples: function* (): Iterable<Sample> {
      for (const [method, counts] of countsOfMethod) {
        for (const [status, value] of counts) {
          yield { name: 'hearsay_http_responses_total', value, labels: { method, status: String(status) } }
        }
      }
    },
  }
}
