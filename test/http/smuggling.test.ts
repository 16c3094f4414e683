/**
 * Item 24 of the security checklist: bytes that a proxy before us might take for one request, and we for two. They are
 * refused and the connection is closed, so that nothing after them is ever read as a request.
 */
import { describe, expect, it } from 'vitest'
import { listeningApp, rawClient } from '../support/listening-app.ts'

const PUT = 'PUT /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'
/** What a smuggler wants to be taken for a request of its own. */
const SECOND = 'PUT /api/v1/kv/smuggled/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\ny'

const ATTACKS: Readonly<Record<string, string>> = {
  'a length and chunks': `${PUT}Content-Length: 5\r\n${CHUNKED}\r\n0\r\n\r\n${SECOND}`,
  'chunks and a length': `${PUT}${CHUNKED}Content-Length: 5\r\n\r\n0\r\n\r\n${SECOND}`,
  'two lengths': `${PUT}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx${SECOND}`,
  'a length twice': `${PUT}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx${SECOND}`,
  'a list of lengths': `${PUT}Content-Length: 1, 1\r\n\r\nx${SECOND}`,
  'a length with a sign': `${PUT}Content-Length: +1\r\n\r\nx${SECOND}`,
  'a hexadecimal length': `${PUT}Content-Length: 0x1\r\n\r\nx${SECOND}`,
  'a length beyond 64 bits': `${PUT}Content-Length: 99999999999999999999\r\n\r\nx${SECOND}`,
  'a length with a space before the colon': `${PUT}Content-Length : 1\r\n\r\nx${SECOND}`,
  'a header in two lines': `${PUT}X: a\r\n b\r\nContent-Length: 1\r\n\r\nx${SECOND}`,
  'chunks in two lines': `${PUT}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${SECOND}`,
  'lines that end in LF': `${(PUT + CHUNKED).replaceAll('\r', '')}\n0\n\n${SECOND}`,
  'one line that ends in LF': `PUT /api/v1/kv/m/k HTTP/1.1\r\nHost: localhost\nContent-Length: 1\r\n\r\nx${SECOND}`,
  'a CR within a line': `${PUT}X: a\rContent-Length: 1\r\n\r\nx${SECOND}`,
  'a NUL within a header': `${PUT}X: a\0b\r\nContent-Length: 1\r\n\r\nx${SECOND}`,
  'an unknown coding': `${PUT}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SECOND}`,
  'another coding after chunks': `${PUT}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SECOND}`,
  'another coding before chunks': `${PUT}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${SECOND}`,
  'two codings': `${PUT}${CHUNKED}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n${SECOND}`,
  'chunks of HTTP/1.0': `${PUT.replace('1.1', '1.0')}Connection: keep-alive\r\n${CHUNKED}\r\n0\r\n\r\n${SECOND}`,
  'a chunk that ends in LF': `${PUT}${CHUNKED}\r\n1\nx\n0\n\n${SECOND}`,
  'a chunk of hexadecimal prefix': `${PUT}${CHUNKED}\r\n0x1\r\nx\r\n0\r\n\r\n${SECOND}`,
  'a chunk longer than it says': `${PUT}${CHUNKED}\r\n1\r\nxy\r\n0\r\n\r\n${SECOND}`,
  'an LF in a chunk extension': `${PUT}${CHUNKED}\r\n1;a\nb\r\nx\r\n0\r\n\r\n${SECOND}`,
  'no Host': `PUT /api/v1/kv/m/k HTTP/1.1\r\nContent-Length: 1\r\n\r\nx${SECOND}`,
  'HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SECOND}`,
  'another version': `${PUT.replace('1.1', '1.2')}Content-Length: 1\r\n\r\nx${SECOND}`,
}

describe('item 24: request smuggling', () => {
  it.each(Object.entries(ATTACKS))('by %s is 400, and nothing after it is read', async (_name, bytes) => {
    const { port, kv } = await listeningApp()
    const text = await rawClient(port, bytes).closed
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(kv.maps()).toEqual([])
  })

  it('a body of a request that takes none is no request', async () => {
    const { port, kv } = await listeningApp()
    const head = `GET /api/v1/kv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${SECOND.length}\r\n\r\n`
    const text = await rawClient(port, head + SECOND).closed
    expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(1)
    expect(kv.maps()).toEqual([])
  })

  it('garbage behind a request that waits is not answered in its place', async () => {
    let written: () => void = () => undefined
    const { port, app } = await listeningApp({
      reload: () =>
        new Promise((resolve) => {
          written = () => resolve({ applied: [], needsRestart: [], reread: [], unchanged: 0 })
        }),
    })
    const client = rawClient(port, 'POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\nGARBAGE\r\n\r\n')
    const text = await client.closed
    written()
    expect(text).not.toContain('400')
    expect((await app.inject('/-/healthy')).statusCode).toBe(200)
  })

  it.each([
    'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  ])('no tunnel is opened and no request echoed: %j', async (request) => {
    const { port } = await listeningApp()
    expect(await rawClient(port, request).closed).not.toContain(' 200 ')
  })
})

describe('item 22: Host on the wire', () => {
  it.each<[string, string, number]>([
    [
      'the line of a proxy with a foreign name',
      'GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n',
      421,
    ],
    [
      'the line of a proxy with our name',
      'GET http://localhost:1/metrics HTTP/1.1\r\nHost: localhost\r\n',
      200,
    ],
    [
      'our name there and a foreign one in Host',
      'GET http://localhost/metrics HTTP/1.1\r\nHost: evil.example\r\n',
      421,
    ],
    ['a user in the name', 'GET http://localhost@evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n', 421],
    ['another scheme', 'GET ftp://localhost/metrics HTTP/1.1\r\nHost: localhost\r\n', 421],
    ['two names', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n', 400],
    ['one name twice', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n', 400],
    ['no name', 'GET /metrics HTTP/1.1\r\nHost:\r\n', 421],
    ['a name with a path', 'GET /metrics HTTP/1.1\r\nHost: localhost/evil.example\r\n', 421],
    ['a dot at the end', 'GET /metrics HTTP/1.1\r\nHost: localhost.:80\r\n', 200],
    ['a colon and no port', 'GET /metrics HTTP/1.1\r\nHost: localhost:\r\n', 200],
    ['a port that is none', 'GET /metrics HTTP/1.1\r\nHost: localhost:80x\r\n', 421],
    ['IPv6 in full', 'GET /metrics HTTP/1.1\r\nHost: [0:0:0:0:0:0:0:1]:80\r\n', 200],
    ['IPv6 in capitals and with a zone', 'GET /metrics HTTP/1.1\r\nHost: [::0001%lo]\r\n', 200],
    ['IPv6 without brackets', 'GET /metrics HTTP/1.1\r\nHost: ::1\r\n', 421],
    ['IPv4 as a number', 'GET /metrics HTTP/1.1\r\nHost: 2130706433\r\n', 421],
    ['a foreign name in UTF-8', 'GET /metrics HTTP/1.1\r\nHost: localhost\u00ad.example\r\n', 421],
  ])('%s', async (_name, head, status) => {
    const { port } = await listeningApp()
    const text = await rawClient(port, `${head}Connection: close\r\n\r\n`).closed
    expect(text.split('\r\n', 1)[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })
})
