/**
 * `GET /api/v1/snapshot`: the whole state as one file, streamed as fast as the client takes it.
 *
 * One at a time: each is a pass over everything. A client that takes next to nothing is cut off (guards/connections.ts), so
 * that it cannot keep the next one waiting for ever. The stream says at its end that it is whole; a cut one has no such end.
 */
import { Readable } from 'node:stream'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import { SNAPSHOT_TYPE } from '../../store/snapshot-format.ts'
import { HttpError } from '../problem.ts'

const NoQuery = Type.Object({}, { additionalProperties: false })

export function snapshotRoutes(snapshot: () => AsyncIterable<Uint8Array>): FastifyPluginCallback {
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    let isSaving = false
    app.get(
      '/snapshot',
      { exposeHeadRoute: false, config: { longLived: true }, schema: { querystring: NoQuery } },
      (_request, reply) => {
        if (isSaving)
          throw new HttpError('SNAPSHOT_BUSY', 'another snapshot is being saved; try again after it')
        isSaving = true
        const stream = Readable.from(snapshot(), { objectMode: false })
        stream.once('close', () => {
          isSaving = false
        })
        reply
          .header('content-type', SNAPSHOT_TYPE)
          .header('content-disposition', 'attachment; filename="hearsay.snapshot"')
          .header('cache-control', 'no-store')
          .send(stream)
      },
    )
    done()
  }
}
