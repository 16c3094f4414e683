/** Client commands at an address where an Alertmanager, or something else, answers instead of a replica. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cli } from '../../support/cli-run.ts'

async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** As 0.25 answers: the interface of old is there still, in part. */
const alertmanager: RequestListener = (request, response) => {
  const json = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const { pathname } = new URL(request.url ?? '', 'http://am')
  if (pathname === '/api/v1/status') json(200, { status: 'success', data: { versionInfo: {} } })
  else if (pathname === '/api/v1/cluster') json(410, { status: 'deprecated', error: 'removed' })
  else if (pathname === '/api/v2/silences') json(200, [])
  else response.writeHead(404).end('404 page not found\n')
}

describe('an Alertmanager', () => {
  it.each([
    ['status'],
    ['status', '-o', 'json'],
    ['cluster', 'show'],
    ['kv', 'list'],
    ['kv', 'get', 'm', 'k'],
    ['kv', 'delete', 'm', 'k'],
    ['owner', 'k'],
  ])('is none of ours: %s %s', async (...args) => {
    const url = await listening(alertmanager)
    expect(await cli(...args, '--url', url)).toEqual({
      code: 1,
      out: '',
      err: `hearsay: no hearsay replica answers at ${url} (is it an Alertmanager?)\n`,
    })
  })

  it('is asked for its silences all the same', async () => {
    const url = await listening(alertmanager)
    expect(await cli('silence', 'query', '--url', url)).toMatchObject({
      code: 0,
      err: 'hearsay: no silences\n',
    })
    const id = 'bbbbbbbb-0000-4000-8000-00000000ffff'
    expect(await cli('silence', 'expire', id, '--url', url)).toMatchObject({
      code: 3,
      err: `hearsay: ${id}: there is no such silence\n`,
    })
  })
})

it('a proxy that reaches no replica says so in its own status', async () => {
  const url = await listening((_request, response) => response.writeHead(502).end('<html>'))
  expect(await cli('status', '--url', url)).toMatchObject({
    code: 1,
    err: `hearsay: ${url}/api/v1/status answered 502 Bad Gateway\n`,
  })
})
