import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { WebConfig } from '../../../src/app/web-config/web-config.ts'
import { CliError } from '../../../src/cli/cli-error.ts'
import { ask, type ClientFlags } from '../../../src/cli/client.ts'
import { connectionTrouble } from '../../../src/cli/connection-trouble.ts'
import { type TestApp, testApp } from '../../support/http-app.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { HASH_OF_SECRET, TLS_FOLDER, TLS_LINES, webConfigFolder } from '../../support/web-config.ts'

const STATUS = { path: ['status'] }
const USERS = `basic_auth_users:\n  ana: ${HASH_OF_SECRET}\n`
const CLIENTS = '  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n'
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }
const file = (name: string): string => join(TLS_FOLDER, name)
const caFile = file('ca.pem')

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function replica(text: string): Promise<TestApp & { readonly url: string }> {
  const { path } = webConfigFolder(text)
  const access = await WebConfig.open({ path, clock, mustAuthenticate: false })
  const tls = access.tls?.serverOptions
  const test = testApp({ access }, tls === undefined ? {} : { tls })
  access.tls?.attach(test.app.server)
  const url = await test.app.listen({ host: '127.0.0.1', port: 0 })
  closing.push(async () => {
    test.app.server.closeAllConnections()
    await Promise.all([test.app.close(), access.close()])
  })
  return { ...test, url }
}

async function failureOf(flags: ClientFlags): Promise<CliError> {
  const error = await ask(flags, STATUS).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof CliError) return error
  throw new Error(`not a CliError: ${String(error)}`)
}

async function isLetIn(flags: ClientFlags): Promise<boolean> {
  return (await ask(flags, STATUS)).status === 200
}

function passwordFile(text: string): string {
  const path = join(tempDir(), 'password')
  writeFileSync(path, text)
  return path
}

describe('a client of a protected replica', () => {
  it('is let in with a password from a file, with or without a line end', async () => {
    const { url } = await replica(`${TLS_LINES}${USERS}`)
    for (const text of ['secret', 'secret\n', 'secret\r\n']) {
      expect(await isLetIn({ url, caFile, user: 'ana', passwordFile: passwordFile(text) })).toBe(true)
    }
  })

  it('is let in with user and password in the URL, percent-encoded, which no message repeats', async () => {
    const { url } = await replica(`${TLS_LINES}${USERS}`)
    const withUser = (user: string) => url.replace('://', `://${user}@`)
    expect(await isLetIn({ url: withUser('an%61:secret'), caFile })).toBe(true)
    for (const wrong of ['ana:hunter2', 'ana:hunter2%zz', 'ana:hunter2@elsewhere\\:x']) {
      const { message } = await failureOf({ url: withUser(wrong), caFile })
      expect(message).not.toContain('hunter2')
    }
    expect((await failureOf({ url: 'https://ana:hunter2@[' })).message).not.toContain('hunter2')
  })

  it('that says nothing, or the wrong thing, ends with 1 and what to do', async () => {
    const { url } = await replica(USERS)
    const silent = await failureOf({ url })
    expect([silent.exitCode, silent.message]).toEqual([
      1,
      `${url} asks who you are: give --user, and HEARSAY_PASSWORD or --password-file`,
    ])
    const wrong = await failureOf({ url, user: 'ana', passwordFile: passwordFile('hunter2') })
    expect([wrong.exitCode, wrong.message]).toEqual([1, `${url} does not let this user and password in`])
  })

  it('shows its certificate, on one connection for all requests', async () => {
    const { url, app } = await replica(`${TLS_LINES}${CLIENTS}`)
    let connections = 0
    app.server.on('secureConnection', () => {
      connections += 1
    })
    const flags = { url, caFile, clientCertFile: file('client.pem'), clientKeyFile: file('client.key') }
    for (let i = 0; i < 3; i++) {
      const response = await ask(flags, STATUS)
      await response.arrayBuffer()
    }
    expect(connections).toBe(1)
    const strange = { ...flags, clientCertFile: file('stranger.pem'), clientKeyFile: file('stranger.key') }
    expect(await failureOf(strange)).toMatchObject({ exitCode: 5 })
    const none = await failureOf({ url, caFile })
    expect([none.exitCode, none.message]).toEqual([
      5,
      expect.stringContaining('it asks for a client certificate'),
    ])
  })

  it('trusts nobody it was not told of, and speaks no TLS to who speaks none', async () => {
    const { url } = await replica(TLS_LINES)
    expect((await failureOf({ url })).message).toContain('name the authority with --ca-file')
    expect((await failureOf({ url, caFile: file('other-ca.pem') })).message).toContain('--ca-file')
    expect((await failureOf({ url: url.replace('https', 'http') })).message).toContain(
      'it may speak TLS there',
    )
    const plain = await replica('')
    const { exitCode, message } = await failureOf({ url: plain.url.replace('http', 'https'), caFile })
    expect([exitCode, message]).toEqual([5, expect.stringMatching(/does not speak TLS|speak no TLS/)])
  })

  it.each<[Partial<ClientFlags>, string]>([
    [{ user: 'ana' }, 'a user needs a password'],
    [{ user: 'a:b' }, 'a user name has no colon'],
    [{ user: 'ana', passwordFile: '/nonexistent' }, '--password-file /nonexistent cannot be read: ENOENT'],
    [{ caFile: '/nonexistent' }, '--ca-file /nonexistent cannot be read: ENOENT'],
    [{ clientCertFile: 'x' }, '--client-cert-file and --client-key-file go together'],
  ])('%j is a usage error', async (flags, complaint) => {
    const error = await failureOf({ url: 'https://127.0.0.1:1', ...flags })
    expect([error.exitCode, error.message]).toEqual([
      2,
      complaint.startsWith('a user needs') ? expect.stringContaining(complaint) : complaint,
    ])
  })
})

describe('why no answer came', () => {
  it.each([
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID)'],
    ['CERT_HAS_EXPIRED', 'its certificate has expired (CERT_HAS_EXPIRED)'],
    ['ECONNREFUSED', 'ECONNREFUSED'],
    ['HPE_INVALID_CONSTANT', 'HPE_INVALID_CONSTANT: it may speak TLS there: https://'],
  ])('%s is said as %j', (code, words) => {
    expect(connectionTrouble(Object.assign(new Error('x'), { code }), 'http://x', 1)).toBe(words)
  })

  it('a wait that was too long is said with its time', () => {
    const error = Object.assign(new Error('x'), { name: 'TimeoutError' })
    expect(connectionTrouble(error, 'http://x', 30_000)).toBe('no answer within 30 s')
  })
})

describe('an answer that is read as it comes', () => {
  it('ends with the reason of its signal', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume()
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const controller = new AbortController()
    const response = await ask({ url }, { path: ['watch'], signal: controller.signal })
    const reason = new Error('enough')
    const reading = async (): Promise<void> => {
      for await (const piece of response.body ?? []) {
        expect(Buffer.from(piece).toString()).toBe('a')
        controller.abort(reason)
      }
    }
    await expect(reading()).rejects.toBe(reason)
    await new Promise((resolve) => server.close(resolve))
  })
})
