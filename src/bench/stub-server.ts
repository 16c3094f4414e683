/**
 * The yardstick for HTTP: a bare fastify server with a Map and a group-committed LevelDB, and nothing else. It shows
 * what Node, fastify and the disk leave room for; hearsay is measured as a share of it in the same run.
 *
 * Run as a program: `node stub-server.js PORT DIRECTORY`.
 */
import Fastify from 'fastify'
import { Level } from 'level'

interface Waiting {
  readonly key: string
  readonly value: Buffer
  readonly done: () => void
}

async function main(port: number, directory: string): Promise<void> {
  const db = new Level<string, Buffer>(directory, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
  await db.open()
  const held = new Map<string, Buffer>()
  let waiting: Waiting[] = []
  let writing = false

  const commit = async (): Promise<void> => {
    writing = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await db.batch(
        batch.map(({ key, value }) => ({ type: 'put', key, value })),
        { sync: true },
      )
      for (const { key, value, done } of batch) {
        held.set(key, value)
        done()
      }
    }
    writing = false
  }

  const app = Fastify()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.put<{ Params: { key: string }; Body: Buffer }>('/kv/:key', async (request) => {
    await new Promise<void>((done) => {
      waiting.push({ key: request.params.key, value: request.body, done })
      if (!writing) void commit()
    })
    return { key: request.params.key }
  })
  app.get<{ Params: { key: string } }>('/kv/:key', async (request, reply) => {
    const value = held.get(request.params.key)
    if (value === undefined) return reply.code(404).send()
    return reply.type('text/plain').send(value)
  })
  app.get('/-/ready', async () => 'ok')
  await app.listen({ port, host: '127.0.0.1' })
}

await main(Number(process.argv[2]), process.argv[3] ?? '')
