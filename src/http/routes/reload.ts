/** `POST /-/reload`: reads the configuration again, and says what came of it. */
import type { FastifyPluginCallback } from 'fastify'

export interface ReloadReport {
  /** Options that have another value now. */
  readonly applied: readonly string[]
  /** Options that would have another value after a restart; null for none. */
  readonly needsRestart: readonly {
    readonly option: string
    readonly current: unknown
    readonly wanted: unknown
  }[]
  /** Options whose files were read again. */
  readonly reread: readonly string[]
  /** Number of the options that are as they were. */
  readonly unchanged: number
}

/** @param reload rejects with `CONFIG_INVALID` */
export function reloadRoutes(reload: () => Promise<ReloadReport>): FastifyPluginCallback {
  return (app, _options, done) => {
    app.post('/-/reload', async (_request, reply) => {
      const report = await reload()
      return reply.header('cache-control', 'no-store').send(report)
    })
    done()
  }
}
