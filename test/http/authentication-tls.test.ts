import { once } from 'node:events'
import http, { type Server } from 'node:http'
import https from 'node:https'
import { connect as connectPlain } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { tlsRules } from '../../src/app/web-config/tls-rules.ts'
import { WebConfig } from '../../src/app/web-config/web-config.ts'
import { loadWebConfig } from '../../src/app/web-config/web-config-files.ts'
import type { Sample } from '../../src/http/metrics/registry.ts'
import { TlsGuard } from '../../src/http/tls-guard.ts'
import { testApp } from '../support/http-app.ts'
import {
  basicAuth,
  HASH_OF_OTHER,
  HASH_OF_SECRET,
  pem,
  pemKey,
  TLS_LINES,
  webConfigFolder,
} from '../support/web-config.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }
const CLIENTS = `${TLS_LINES}  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n`
const own = { cert: pem('client'), key: pemKey('client') }
const strangers = { cert: pem('stranger'), key: pemKey('stranger') }

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function listening(made: FastifyInstance | https.Server, attach: (server: Server) => void) {
  const server = made instanceof https.Server ? made : made.server
  attach(server)
  if (made instanceof https.Server) await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  else await made.listen({ host: '127.0.0.1', port: 0 })
  const address = server.address()
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    if (made instanceof https.Server) made.close()
    else await made.close()
  }
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, close }
}

/** @param isWhole over the whole app; else over a server that says OK to all, which is much quicker to make */
async function serving(text: string, isWhole = false) {
  const folder = webConfigFolder(text)
  const config = await WebConfig.open({ path: folder.path, clock, mustAuthenticate: false })
  const tls = config.tls?.serverOptions ?? {}
  const server = isWhole
    ? testApp({ access: config }, { tls }).app
    : https.createServer(tls, (_request, response) => response.end('OK'))
  const { port, close } = await listening(server, (own) => config.tls?.attach(own))
  closing.push(async () => {
    await close()
    await config.close()
  })
  const connected = (options: ConnectionOptions = {}): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: pem('ca'), ...options })
      closing.push(async () => socket.destroy())
      socket.once('secureConnect', () => resolve(socket))
      socket.once('error', reject)
    })
  const refused = (): Sample | undefined =>
    [...(config.tls?.samples() ?? [])].find(({ labels }) => labels?.reason === 'certificate')
  return { ...folder, config, port, connected, refused }
}

/** @returns the status, or undefined when the connection ends without an answer */
async function statusOver(socket: TLSSocket): Promise<number | undefined> {
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  socket.on('error', () => undefined)
  socket.write('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const answered = new Promise<void>((resolve) => socket.on('data', () => /\r\n\r\n/.test(text) && resolve()))
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await Promise.race([answered, gone])
  socket.removeAllListeners('data')
  return text === '' ? undefined : Number(text.slice(9, 12))
}

async function status(connecting: Promise<TLSSocket>): Promise<number | undefined> {
  const socket = await connecting.catch(() => undefined)
  return socket === undefined ? undefined : await statusOver(socket)
}

describe('TLS', () => {
  it('is spoken with the certificate of the web config, and nothing else is', async () => {
    const { connected, port } = await serving(TLS_LINES, true)
    const socket = await connected()
    expect(await statusOver(socket)).toBe(200)
    expect(socket.getPeerX509Certificate()?.subjectAltName).toContain('DNS:localhost')
    const plain = http.get({ port, host: '127.0.0.1', agent: false })
    await expect(once(plain, 'response')).rejects.toThrow()
  })

  it.each(['TLSv1', 'TLSv1.1'] as const)('%s is refused', async (version) => {
    const { connected, config } = await serving(TLS_LINES)
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
    await expect(connected(old)).rejects.toThrow()
    const [handshakes] = [...(config.tls?.samples() ?? [])]
    expect(handshakes).toMatchObject({ labels: { reason: 'handshake' }, value: 1 })
  })

  it.each([
    ['min_version: TLS13', 'TLSv1.2', undefined],
    ['min_version: TLS13', 'TLSv1.3', 200],
    ['max_version: TLS12', 'TLSv1.3', undefined],
    ['max_version: TLS12', 'TLSv1.2', 200],
  ] as const)('with %s a client of %s gets %s', async (line, version, answer) => {
    const { connected } = await serving(`${TLS_LINES}  ${line}\n`)
    expect(await status(connected({ minVersion: version, maxVersion: version }))).toBe(answer)
  })

  it('takes the cipher suites and curves that are named, and TLS 1.3 beside them', async () => {
    const named = 'cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP384]'
    const { connected } = await serving(`${TLS_LINES}  ${named}\n`)
    const socket = await connected({ maxVersion: 'TLSv1.2' })
    expect(socket.getCipher().name).toBe('ECDHE-ECDSA-AES256-GCM-SHA384')
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: 'secp384r1' })
    expect((await connected()).getProtocol()).toBe('TLSv1.3')
    const other = connected({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })
    await expect(other).rejects.toThrow()
  })

  it('shows a new certificate to new connections, and old ones go on', async () => {
    const { connected, certify, config } = await serving(TLS_LINES)
    const before = await connected()
    expect(await statusOver(before)).toBe(200)
    certify('server-2')
    await config.reload()
    const after = await connected()
    expect(after.getPeerX509Certificate()?.fingerprint256).not.toBe(
      before.getPeerX509Certificate()?.fingerprint256,
    )
    expect([await statusOver(after), await statusOver(before)]).toEqual([200, 200])
  })

  it('goes on with the certificate it had when the new one is of no use', async () => {
    const { connected, config, write } = await serving(TLS_LINES)
    write(TLS_LINES.replace('server.key', 'ca.pem'))
    await expect(config.reload()).rejects.toThrow('no unencrypted private key')
    expect(await status(connected())).toBe(200)
  })
})

describe('client certificates', () => {
  const withoutCa = (type: string) => `${TLS_LINES}  client_auth_type: ${type}\n`
  const withCa = (type: string) => `${withoutCa(type)}  client_ca_file: ca.pem\n`

  it.each<[string, string, (number | undefined)[]]>([
    ['NoClientCert', withoutCa('NoClientCert'), [200, 200, 200]],
    ['RequestClientCert', withoutCa('RequestClientCert'), [200, 200, 200]],
    ['RequireAnyClientCert', withoutCa('RequireAnyClientCert'), [undefined, 200, 200]],
    ['RequireClientCert', withoutCa('RequireClientCert'), [undefined, 200, 200]],
    ['VerifyClientCertIfGiven', withCa('VerifyClientCertIfGiven'), [200, 200, undefined]],
    ['RequireAndVerifyClientCert', withCa('RequireAndVerifyClientCert'), [undefined, 200, undefined]],
  ])('%s lets in nobody, one of ours, a stranger: %#', async (_type, text, answers) => {
    const { connected } = await serving(text)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const only = { minVersion: version, maxVersion: version }
      const given = [only, { ...only, ...own }, { ...only, ...strangers }]
      const got: (number | undefined)[] = []
      for (const options of given) got.push(await status(connected(options)))
      expect(got).toEqual(answers)
    }
  })

  it.each([
    ['spiffe://example.org/prometheus', 200],
    ['*.example.org', undefined],
  ])('with client_allowed_sans: [%s] one of ours gets %s', async (name, answer) => {
    const { connected, refused } = await serving(`${CLIENTS}  client_allowed_sans: ['nobody', '${name}']\n`)
    expect(await status(connected(own))).toBe(answer)
    expect(refused()).toMatchObject({ value: answer === undefined ? 1 : 0 })
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'are judged again when a session of %s is resumed',
    async (version) => {
      const { connected, config, write } = await serving(`${CLIENTS}  client_allowed_sans: [10.0.0.7]\n`)
      const only = { minVersion: version, maxVersion: version, ...own } as const
      const first = await connected(only)
      const tickets: Buffer[] = []
      first.on('session', (session) => tickets.push(session))
      expect(await statusOver(first)).toBe(200)
      const session = tickets[0] ?? first.getSession() ?? Buffer.alloc(0)
      const resumed = await connected({ ...only, session })
      expect([await statusOver(resumed), resumed.isSessionReused()]).toEqual([200, true])
      write(`${CLIENTS}  client_allowed_sans: [somebody.else]\n`)
      await config.reload()
      expect(await status(connected({ ...only, session }))).toBeUndefined()
    },
  )

  it('of an authority that is no longer trusted are let in no more, and their connections end', async () => {
    const { connected, config, write } = await serving(CLIENTS)
    const before = await connected(own)
    expect(await statusOver(before)).toBe(200)
    const gone = once(before, 'close')
    write(CLIENTS.replace('ca.pem', 'other-ca.pem'))
    await config.reload()
    await gone
    expect(await status(connected(own))).toBeUndefined()
    expect(await status(connected(strangers))).toBe(200)
  })

  it.each([
    ['says half of a hello and no more', Buffer.from([0x16, 3, 1, 2])],
    ['says nothing', Buffer.alloc(0)],
    ['speaks no TLS', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ])('who %s is hung up on', async (_what, said) => {
    const { settings, tls } = await loadWebConfig(webConfigFolder(TLS_LINES).path)
    if (settings.tls === undefined || tls === undefined) throw new Error('no TLS')
    const guard = new TlsGuard(tlsRules(settings.tls, tls), 100)
    const { port, close } = await listening(https.createServer(guard.serverOptions), (own) =>
      guard.attach(own),
    )
    closing.push(close)
    const raw = connectPlain(port, '127.0.0.1')
    const gone = new Promise((resolve) => raw.once('close', resolve))
    raw.on('error', () => undefined).resume()
    raw.write(said)
    await gone
    expect([...guard.samples()]).toContainEqual(
      expect.objectContaining({ labels: { reason: 'handshake' }, value: 1 }),
    )
  })

  it('a handshake that began under the old authority does not end under the new', async () => {
    const { port, config, write } = await serving(CLIENTS)
    const raw = connectPlain(port, '127.0.0.1')
    await once(raw, 'connect')
    const gone = once(raw, 'close')
    // The server has it once it answers something else.
    await new Promise((resolve) => setImmediate(resolve))
    write(CLIENTS.replace('ca.pem', 'other-ca.pem'))
    await config.reload()
    await gone
    expect(raw.destroyed).toBe(true)
  })
})

describe('users over TLS', () => {
  it('come in with their passwords of now, on the connections of before', async () => {
    const { port, config, write } = await serving(
      `${TLS_LINES}basic_auth_users:\n  ana: ${HASH_OF_SECRET}\n`,
      true,
    )
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: pem('ca') })
    closing.push(async () => agent.destroy())
    const statusOf = async (password: string): Promise<number | undefined> => {
      const headers = { authorization: basicAuth('ana', password) }
      const request = https.get({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        agent,
        headers,
        path: '/-/ready',
      })
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      response.resume()
      await once(response, 'end')
      return response.statusCode
    }
    expect([await statusOf('secret'), await statusOf('other')]).toEqual([200, 401])
    write(`${TLS_LINES}basic_auth_users:\n  ana: ${HASH_OF_OTHER}\n`)
    await config.reload()
    expect([await statusOf('secret'), await statusOf('other')]).toEqual([401, 200])
  })
})
