import { chmodSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { OptionsError } from '../../../../src/app/options/options-error.ts'
import type { RoomLog } from '../../../../src/app/room-log.ts'
import { WebConfig } from '../../../../src/app/web-config/web-config.ts'
import { checkWebConfig } from '../../../../src/app/web-config/web-config-files.ts'
import {
  basicAuth,
  HASH_OF_OTHER,
  HASH_OF_SECRET,
  pem,
  pemKey,
  TLS_LINES,
  webConfigFolder,
} from '../../../support/web-config.ts'

const USERS = `basic_auth_users:\n  ana: ${HASH_OF_SECRET}\n`
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.UTC(2026, 10, 21) }

interface Event {
  readonly event: string
  readonly fields: Readonly<Record<string, string | number>>
}

const open: WebConfig[] = []

afterEach(async () => {
  for (const config of open.splice(0)) await config.close()
})

async function following(text: string, mustAuthenticate = false) {
  const folder = webConfigFolder(text)
  const config = await WebConfig.open({ path: folder.path, clock, mustAuthenticate })
  open.push(config)
  const events: Event[] = []
  const note = (event: string, fields: Event['fields']): void => void events.push({ event, fields })
  const log: RoomLog = { debug: note, info: note, warn: note }
  config.follow(log, () => () => undefined)
  const samples = (): Readonly<Record<string, number>> =>
    Object.fromEntries([...config.samples()].map((one) => [one.name, 'value' in one ? one.value : 0]))
  const names = (): readonly string[] => events.map(({ event }) => event)
  return { ...folder, config, events, names, samples }
}

async function problemsOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof OptionsError) return error.problems.join('\n')
  throw new Error(`not refused: ${String(error)}`)
}

const asks = async (config: WebConfig, user: string, password: string) =>
  await config.check(basicAuth(user, password), '127.0.0.1')

describe('rate_limit', () => {
  it('lets a burst in, one more each interval, and no more than a burst after a pause', async () => {
    let nowMs = 0
    const { path } = webConfigFolder('rate_limit: {interval: 100ms, burst: 2}\n')
    const ticking = { ...clock, monotonicMs: () => nowMs }
    const config = await WebConfig.open({ path, clock: ticking, mustAuthenticate: false })
    open.push(config)
    const admitted = (asked: number): number =>
      Array.from({ length: asked }, () => config.admits()).filter(Boolean).length
    expect(admitted(3)).toBe(2)
    nowMs += 99
    expect(admitted(1)).toBe(0)
    nowMs += 2
    expect(admitted(2)).toBe(1)
    nowMs += 60_000
    expect(admitted(5)).toBe(2)
  })
})

describe('a web config that changes while it is used', () => {
  it('lets new users in and old ones no more', async () => {
    const { config, write, names } = await following(USERS)
    expect(await asks(config, 'ana', 'secret')).toBe('allowed')
    write(`basic_auth_users:\n  ana: ${HASH_OF_OTHER}\n  eva: ${HASH_OF_SECRET}\n`)
    await config.look()
    expect(await asks(config, 'ana', 'secret')).toBe('refused')
    expect(await asks(config, 'ana', 'other')).toBe('allowed')
    expect(await asks(config, 'eva', 'secret')).toBe('allowed')
    expect(names()).toContain('web_config_changed')
  })

  it('that did not change says nothing', async () => {
    const { config, events } = await following(USERS)
    events.length = 0
    await config.look()
    expect(events).toEqual([])
  })

  it('and is broken changes nothing, says so once, and is well again when it is mended', async () => {
    const { config, write, names, samples } = await following(USERS)
    write('basic_auth_users: {ana: hunter2}')
    await config.look()
    await config.look()
    expect(await asks(config, 'ana', 'secret')).toBe('allowed')
    expect(names().filter((name) => name === 'web_config_not_usable')).toHaveLength(1)
    expect(samples().hearsay_web_config_last_reload_successful).toBe(0)
    expect(config.warnings()).toEqual([expect.stringContaining('HTTP goes on with what it had')])
    expect(JSON.stringify([config.warnings(), config.status])).not.toContain('hunter2')
    write(USERS)
    await config.look()
    expect(names().at(-1)).toBe('web_config_usable_again')
    expect([config.error, samples().hearsay_web_config_last_reload_successful]).toEqual([undefined, 1])
  })

  it('and is gone changes nothing', async () => {
    const { config, path } = await following(USERS)
    unlinkSync(path)
    await config.look()
    expect(await asks(config, 'ana', 'secret')).toBe('allowed')
    expect(config.error).toContain('ENOENT')
  })

  it('is followed through a symbolic link that is swapped, as Kubernetes does', async () => {
    const { folder } = webConfigFolder(USERS)
    const [link, next] = [join(folder, 'link.yml'), join(folder, 'next.yml')]
    symlinkSync(join(folder, 'web.yml'), link)
    writeFileSync(next, `basic_auth_users:\n  eva: ${HASH_OF_SECRET}\n`)
    const config = await WebConfig.open({ path: link, clock, mustAuthenticate: false })
    open.push(config)
    rmSync(link)
    symlinkSync(next, link)
    await config.reload()
    expect(await asks(config, 'eva', 'secret')).toBe('allowed')
  })

  it.each([
    [USERS, `${TLS_LINES}${USERS}`, 'TLS or none'],
    [TLS_LINES, `${TLS_LINES}  client_auth_type: RequestClientCert\n`, 'client_auth_type'],
    [USERS, `${USERS}rate_limit: {interval: 1s, burst: 1}\n`, 'rate_limit'],
  ])('in what holds for the life of a listener is refused whole, by name', async (before, after, named) => {
    const { config, write } = await following(before)
    write(after)
    expect(await problemsOf(config.reload())).toContain(`${named} cannot change while it runs`)
    expect(config.error).toContain(named)
  })

  it('never opens a door that the listen address needs closed', async () => {
    const { config, write } = await following(USERS, true)
    write('basic_auth_users:\n')
    expect(await problemsOf(config.reload())).toContain('it lets everybody in')
    expect(config.check(undefined, '127.0.0.1')).toBe('missing')
  })

  it('in its certificate alone is a change', async () => {
    const { config, certify, names, samples } = await following(TLS_LINES)
    certify('server-2')
    await config.look()
    expect(names()).toContain('web_config_changed')
    expect(samples().hearsay_http_certificate_expiry_timestamp_seconds).toBeGreaterThan(clock.wallMs() / 1000)
  })
})

describe('files of a web config', () => {
  const certOf = (cert: string, key: string) =>
    `tls_server_config:\n  cert_file: ${cert}\n  key_file: ${key}\n`

  it('that do not belong together are refused by field and line, before and after the start', async () => {
    const { path, folder, write } = webConfigFolder(TLS_LINES)
    writeFileSync(join(folder, 'other.key'), pemKey('client'))
    for (const [text, complaint] of [
      [
        certOf('server.pem', 'other.key'),
        'line 3: tls_server_config.key_file: this is not the key of the certificate',
      ],
      [
        certOf('server.key', 'server.key'),
        `cert_file: ${join(folder, 'server.key')} holds no certificate in PEM form`,
      ],
      [certOf('server.pem', 'server.pem'), 'holds no unencrypted private key in PEM form'],
      [
        certOf('server.pem', 'nothing.key'),
        `key_file: ${join(folder, 'nothing.key')} cannot be read: ENOENT`,
      ],
      [
        `${TLS_LINES}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: web.yml\n`,
        'tls_server_config.client_ca_file',
      ],
    ] as const) {
      write(text)
      expect(await problemsOf(WebConfig.open({ path, clock, mustAuthenticate: false }))).toContain(complaint)
      expect(() => checkWebConfig(path)).toThrow(complaint)
    }
  })

  it('may stand in the web config itself', async () => {
    const inline = (name: string, text: string) =>
      `  ${name}: |\n${text.trimEnd().replaceAll(/^/gm, '    ')}\n`
    const text = `tls_server_config:\n${inline('cert', pem('server'))}${inline('key', pemKey('server'))}`
    const { path } = webConfigFolder(text)
    expect(checkWebConfig(path)).toMatchObject({ isSecret: true })
    const { config } = await following(text)
    expect(config.status).toMatchObject({ tls: 'on', users: 0 })
  })

  it('with secrets that others may read are warned about', async () => {
    const { events, path, folder, config } = await following(`${TLS_LINES}${USERS}`)
    expect(events.map(({ event }) => event)).not.toContain('web_config_readable_by_others')
    chmodSync(path, 0o644)
    chmodSync(join(folder, 'server.key'), 0o644)
    await config.look()
    await config.look()
    const files = events
      .filter(({ event }) => event === 'web_config_readable_by_others')
      .map(({ fields }) => fields.file)
    expect(files).toEqual([path, join(folder, 'server.key')])
  })

  it('that are no regular files are refused without waiting for them', async () => {
    const { folder } = webConfigFolder('')
    expect(await problemsOf(WebConfig.open({ path: folder, clock, mustAuthenticate: false }))).toContain(
      'no regular file',
    )
  })

  it('status and metrics name no user', async () => {
    const { config } = await following(`${TLS_LINES}${USERS}`)
    expect(JSON.stringify([config.status, [...config.samples()]])).not.toContain('ana')
    expect(config.status).toMatchObject({ tls: 'on', clientCertificates: 'NoClientCert', users: 1 })
  })

  it('an expired certificate is warned about', async () => {
    const later = { ...clock, wallMs: () => Date.UTC(2200, 0, 1) }
    const { path } = webConfigFolder(TLS_LINES)
    const config = await WebConfig.open({ path, clock: later, mustAuthenticate: false })
    open.push(config)
    expect(config.warnings()).toEqual(['the certificate of HTTP has expired: clients will refuse it'])
  })
})
