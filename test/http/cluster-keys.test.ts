import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LightMyRequestResponse } from 'fastify'
import { describe, expect, it } from 'vitest'
import { Encryption } from '../../src/app/encryption.ts'
import { KeyFile } from '../../src/app/key-file.ts'
import { createMetrics } from '../../src/http/metrics/registry.ts'
import { keyOf } from '../support/gossip-keys.ts'
import { NOW_MS, type TestApp, testApp } from '../support/http-app.ts'
import { tempDir } from '../support/temp-dir.ts'

const [a, b] = [keyOf(1), keyOf(2, 24)]
const SHOWN_A = { fingerprint: a.fingerprint, bytes: 32 }
const SHOWN_B = { fingerprint: b.fingerprint, bytes: 24 }
const BOTH_VERIFIED = { verifyIncoming: true, verifyOutgoing: true }

interface Keyed extends TestApp {
  readonly file: KeyFile
  readonly path: string
  readonly encryption: Encryption
  ask(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path?: string,
    body?: object,
  ): Promise<LightMyRequestResponse>
}

async function keyed(text: string = a.text): Promise<Keyed> {
  const path = join(tempDir(), 'keys')
  writeFileSync(path, text, { mode: 0o600 })
  const file = await KeyFile.open(path, { wallMs: () => NOW_MS, monotonicMs: () => 0 })
  const encryption = new Encryption({ ring: file.ring, file, ...BOTH_VERIFIED })
  const test = testApp({ gossipKeys: encryption })
  return {
    ...test,
    file,
    path,
    encryption,
    ask: (method, suffix = '', payload) => {
      const url = `/api/v1/cluster/keys${suffix}`
      return test.app.inject({ method, url, ...(payload === undefined ? {} : { payload }) })
    },
  }
}

describe('the keys of a replica', () => {
  it('are shown by fingerprint, with the file and when it was read', async () => {
    const { ask, path } = await keyed(`${b.text}\n${a.text}`)
    const answer = await ask('GET')
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store'])
    expect(answer.json()).toEqual({
      keys: [
        { ...SHOWN_B, primary: true },
        { ...SHOWN_A, primary: false },
      ],
      ...BOTH_VERIFIED,
      file: path,
      loadedAt: new Date(NOW_MS).toISOString(),
    })
    for (const key of [a, b]) expect(answer.payload).not.toContain(key.text)
  })

  it('are rotated: added, used, removed, in the file and in the ring', async () => {
    const { ask, file, path } = await keyed()
    const added = await ask('POST', '', { key: b.text })
    expect([added.statusCode, added.json().keys]).toEqual([
      201,
      [
        { ...SHOWN_A, primary: true },
        { ...SHOWN_B, primary: false },
      ],
    ])
    expect(added.payload).not.toContain(b.text)
    expect((await ask('POST', '', { key: b.text })).statusCode).toBe(200)
    const used = await ask('PUT', '/primary', { fingerprint: b.fingerprint })
    expect([used.statusCode, used.json().keys[0]]).toEqual([200, { ...SHOWN_B, primary: true }])
    const removed = await ask('DELETE', `/${a.fingerprint}`)
    expect([removed.statusCode, removed.json().keys]).toEqual([200, [{ ...SHOWN_B, primary: true }]])
    expect(file.ring.keys).toEqual([b.bytes])
    expect(readFileSync(path, 'utf8')).toBe(`${b.text}\n`)
  })

  it.each<[string, number, string, Parameters<Keyed['ask']>]>([
    ['the primary key is removed', 409, 'GOSSIP_KEY_PRIMARY', ['DELETE', `/${a.fingerprint}`]],
    ['a key is removed that is not there', 404, 'GOSSIP_KEY_UNKNOWN', ['DELETE', `/${b.fingerprint}`]],
    ['what is removed is no fingerprint', 400, 'HTTP_PATH_MALFORMED', ['DELETE', '/all']],
    [
      'a key is used that is not there',
      404,
      'GOSSIP_KEY_UNKNOWN',
      ['PUT', '/primary', { fingerprint: b.fingerprint }],
    ],
    ['a key is used by its secret', 400, 'HTTP_BODY_INVALID', ['PUT', '/primary', { fingerprint: b.text }]],
    ['no key is named', 400, 'HTTP_BODY_INVALID', ['PUT', '/primary', {}]],
    ['a key is added that is none', 400, 'GOSSIP_KEY_INVALID', ['POST', '', { key: 'c2VjcmV0' }]],
    ['a key is added that is too long', 400, 'HTTP_BODY_INVALID', ['POST', '', { key: 'QUFB'.repeat(1000) }]],
    [
      'a stranger stands beside the key',
      400,
      'HTTP_BODY_INVALID',
      ['POST', '', { key: b.text, primary: true }],
    ],
    ['there is a query', 400, 'HTTP_QUERY_INVALID', ['DELETE', `/${b.fingerprint}?force=true`]],
    ['the method is another', 405, 'HTTP_METHOD_NOT_ALLOWED', ['DELETE', '']],
  ])('are as they were when %s: %i %s', async (_name, status, code, request) => {
    const { ask, file, path, logged } = await keyed()
    const answer = await ask(...request)
    expect([answer.statusCode, answer.json().code]).toEqual([status, code])
    expect([readFileSync(path, 'utf8'), file.ring.keys]).toEqual([a.text, [a.bytes]])
    for (const secret of [a.text, b.text, 'c2VjcmV0']) {
      expect(answer.payload + JSON.stringify(logged)).not.toContain(secret)
    }
  })

  it('are not changed while the file is not what it should be, and say why it is not in use', async () => {
    const { ask, file, path } = await keyed()
    writeFileSync(path, 'broken')
    expect((await ask('POST', '', { key: b.text })).json()).toMatchObject({
      status: 409,
      code: 'KEY_FILE_MALFORMED',
    })
    await file.check()
    expect((await ask('GET')).json()).toMatchObject({
      keys: [{ ...SHOWN_A, primary: true }],
      error: expect.stringContaining(`${path} line 1`),
    })
    rmSync(path)
    expect((await ask('POST', '', { key: b.text })).json()).toMatchObject({
      status: 409,
      code: 'KEY_FILE_UNREADABLE',
    })
  })

  it('are 404 without a key file, and none can be added: that would cut this replica off', async () => {
    const encryption = new Encryption({ ring: undefined, ...BOTH_VERIFIED })
    const { app } = testApp({ gossipKeys: encryption })
    const url = '/api/v1/cluster/keys'
    const answers = await Promise.all([
      app.inject(url),
      app.inject({ method: 'POST', url, payload: { key: a.text } }),
      app.inject({ method: 'PUT', url: `${url}/primary`, payload: { fingerprint: a.fingerprint } }),
      app.inject({ method: 'DELETE', url: `${url}/${a.fingerprint}` }),
    ])
    for (const answer of answers) {
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'GOSSIP_NOT_ENCRYPTED'])
    }
    expect(encryption.status).toEqual({ state: 'off' })
  })

  it('are not changed by pages of other sites, nor by forms', async () => {
    const { app, file } = await keyed()
    const request = { method: 'POST', url: '/api/v1/cluster/keys' } as const
    const crossSite = { 'sec-fetch-site': 'cross-site' }
    const answer = await app.inject({ ...request, headers: crossSite, payload: { key: b.text } })
    expect(answer.statusCode).toBe(403)
    const plain = { 'content-type': 'text/plain' }
    const form = await app.inject({ ...request, headers: plain, payload: JSON.stringify({ key: b.text }) })
    expect([form.statusCode, file.ring.keys.length]).toEqual([415, 1])
  })
})

it('a body that cannot be read is not repeated in the answer', async () => {
  const { app } = await keyed()
  const headers = { 'content-type': 'application/json' }
  const payload = `{"key":"${b.text}`
  const answer = await app.inject({ method: 'POST', url: '/api/v1/cluster/keys', headers, payload })
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'HTTP_BODY_INVALID'])
  expect(answer.payload).not.toContain(b.text.slice(0, 8))
})

describe('status and metrics', () => {
  it('tell how many keys there are, which one encrypts, and whether the file is in use', async () => {
    const { encryption, file, path } = await keyed(`${a.text}\n${b.text}`)
    expect(encryption.status).toEqual({ state: 'on', keys: 2, primary: a.fingerprint, ...BOTH_VERIFIED })
    const metrics = createMetrics({ processMetrics: false })
    metrics.addSource(() => encryption.samples())
    const before = await metrics.scrape()
    expect(before).toContain('hearsay_gossip_keys 2\n')
    expect(before).toContain('hearsay_gossip_key_file_last_reload_successful 1\n')
    expect(before).toContain(
      `hearsay_gossip_key_file_last_reload_success_timestamp_seconds ${NOW_MS / 1000}\n`,
    )
    rmSync(path)
    await file.check()
    expect(encryption.status).toMatchObject({ keys: 2, keyFileError: expect.stringContaining('ENOENT') })
    expect(encryption.warnings()).toEqual([
      expect.stringMatching(/^the key file cannot be used: .*ENOENT.*with the 2 keys it had/),
    ])
    const after = await metrics.scrape()
    expect(after).toContain('hearsay_gossip_key_file_last_reload_successful 0\n')
    for (const key of [a, b]) expect(after).not.toContain(key.text)
  })
})
