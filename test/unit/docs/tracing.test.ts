/** The example of docs/reference/tracing.md, run as it stands there over a replica with a peer. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { ANY_PORT, openEmbedded } from '../../support/embedded.ts'
import { until } from '../../support/until.ts'

interface Span {
  readonly name: string
  readonly attributes: Record<string, unknown>
  ended: number
}

interface Example {
  traceHearsay(tracer: { startSpan(name: string): object }): void
}

async function example(): Promise<Example> {
  const [, code = ''] = /```js\n(.*?)```/s.exec(readFileSync('docs/reference/tracing.md', 'utf8')) ?? []
  expect(code.trim().split('\n').length).toBeLessThan(25)
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-tracing-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'example.mjs')
  writeFileSync(path, code)
  return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as Example
}

it('the example makes spans of requests, push-pulls, merges and batches', async () => {
  const spans: Span[] = []
  const { traceHearsay } = await example()
  traceHearsay({
    startSpan: (name) => {
      const span: Span = { name, attributes: {}, ended: 0 }
      spans.push(span)
      return {
        setAttribute: (key: string, value: unknown) => {
          span.attributes[key] = value
        },
        recordException: () => undefined,
        end: () => {
          span.ended++
        },
      }
    },
  })
  const dataDir = mkdtempSync(join(tmpdir(), 'hearsay-traced-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const ana = await openEmbedded({ name: 'ana', dataDir, gossip: ANY_PORT, http: { listen: '127.0.0.1:0' } })
  const ben = await openEmbedded({ name: 'ben', gossip: { ...ANY_PORT, peers: [ana.gossipAddress ?? ''] } })
  await ben.ready()
  const url = `${ana.url}/api/v1/kv/map/key`
  const written = await fetch(url, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/plain' } })
  expect(written.status).toBe(201)
  const has = (name: string, attributes: object): boolean =>
    spans.some(
      (span) =>
        span.name === name &&
        span.ended === 1 &&
        Object.entries(attributes).every(([key, value]) => span.attributes[`hearsay.${key}`] === value),
    )
  await until(() =>
    has('hearsay.request', {
      method: 'PUT',
      route: '/api/v1/kv/:map/:key',
      url: '/api/v1/kv/map/key',
      status: 201,
    }),
  )
  await until(() => has('hearsay.push-pull', { peer: ana.gossipAddress, join: true }))
  await until(() => has('hearsay.merge', { changes: 1 }))
  expect(spans.some(({ name, ended }) => name === 'hearsay.storage-batch' && ended === 1)).toBe(true)
})
