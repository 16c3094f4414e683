/**
 * TLS and users of the HTTP side, as the file of `--web.config.file` says at this moment.
 *
 * As with the key file (key-file.ts) its content, and that of the files it names, is read again every 3 s and compared;
 * `reload` looks at once. What cannot be used changes nothing: certificate and users stay, one warning says why, and
 * metric, status and warnings show it until the file is right again. A file is taken whole or not at all, and not when it
 * changes what holds for the life of a listener: TLS or none, the client_auth_type, the rate_limit, or that strangers
 * are kept out where the listen address needs it.
 */
import type { Clock } from '../../base/clock.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { Sample } from '../../http/metrics/registry.ts'
import { TlsGuard } from '../../http/tls-guard.ts'
import type { Verdict, WebAccess } from '../../http/web-access.ts'
import { OptionsError } from '../options/options-error.ts'
import { type Repeat, repeatUnheld } from '../repeat.ts'
import type { RoomLog } from '../room-log.ts'
import { Credentials } from './credentials.ts'
import { PasswordChecks } from './password-checks.ts'
import { tlsRules } from './tls-rules.ts'
import { type LoadedWebConfig, loadWebConfig } from './web-config-files.ts'
import { authenticates } from './web-settings.ts'

const WEB_CONFIG_POLL_MS = 3000

export interface WebConfigOptions {
  readonly path: string
  readonly clock: Clock
  /** Whether a file that lets strangers in is refused. */
  readonly mustAuthenticate: boolean
}

export class WebConfig implements WebAccess {
  readonly tls: TlsGuard | undefined
  readonly #options: WebConfigOptions
  readonly #checks = new PasswordChecks()
  readonly #bucket: TokenBucket | undefined
  #loaded: LoadedWebConfig
  #credentials: Credentials
  #loadedAtMs: number
  #error: string | undefined
  #exposed = ''
  #log: RoomLog | undefined
  /** The last reading, which the next one waits for. */
  #turn: Promise<unknown> = Promise.resolve()
  #stopPolling: () => void = () => undefined

  private constructor(options: WebConfigOptions, loaded: LoadedWebConfig) {
    const { settings } = loaded
    this.#options = options
    this.#loaded = loaded
    this.#credentials = this.#credentialsOf(loaded)
    this.#loadedAtMs = options.clock.wallMs()
    this.tls = guardOf(loaded)
    const rate = settings.requestRate
    this.#bucket =
      rate === undefined
        ? undefined
        : new TokenBucket({ tokensPerSecond: 1000 / rate.intervalMs, burstTokens: rate.burst })
  }

  /** @throws OptionsError naming file, line and field of what is wrong */
  static async open(options: WebConfigOptions): Promise<WebConfig> {
    const loaded = await loadWebConfig(options.path)
    refuseStrangers(options, loaded)
    return new WebConfig(options, loaded)
  }

  /** Follows the file from now on; once. @param repeat default: a timer that holds no process */
  follow(log: RoomLog, repeat: Repeat = repeatUnheld): void {
    this.#log = log
    this.#tell()
    this.#stopPolling = repeat(() => this.look(), WEB_CONFIG_POLL_MS)
  }

  /** Looks at the files now. Never rejects: what is wrong with them is said and kept in `error`. */
  async look(): Promise<void> {
    await this.reload().catch(() => undefined)
  }

  /**
   * Takes the files as they are now.
   * @throws OptionsError saying why they are not taken; all is as it was then
   */
  reload(): Promise<void> {
    const result = this.#turn.then(async () => {
      try {
        this.#take(await loadWebConfig(this.#options.path))
      } catch (error) {
        this.#refuse(error)
        throw error
      }
    })
    this.#turn = result.catch(() => undefined)
    return result
  }

  get headers(): ReadonlyMap<string, string> {
    return this.#loaded.settings.headers
  }

  /** Why what the files hold now is not in use; undefined when it is. */
  get error(): string | undefined {
    return this.#error
  }

  admits(): boolean {
    if (this.#bucket === undefined) return true
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#bucket.available(nowMs) < 1) return false
    this.#bucket.take(nowMs, 1)
    return true
  }

  check(authorization: string | undefined, address: string): Verdict | Promise<Verdict> {
    return this.#credentials.check(authorization, address)
  }

  /** For `/api/v1/status`: JSON values only, no names. */
  get status(): Readonly<Record<string, unknown>> {
    const { settings, tls } = this.#loaded
    return {
      tls: tls === undefined ? 'off' : 'on',
      ...(settings.tls === undefined ? {} : { clientCertificates: settings.tls.clientAuth }),
      ...(tls === undefined ? {} : { certificateEndsAt: new Date(tls.notAfterMs).toISOString() }),
      users: settings.users.size,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    }
  }

  /** For a person, one sentence each. */
  warnings(): readonly string[] {
    const { notAfterMs } = this.#loaded.tls ?? {}
    const hasEnded = notAfterMs !== undefined && notAfterMs < this.#options.clock.wallMs()
    return [
      ...(hasEnded ? ['the certificate of HTTP has expired: clients will refuse it'] : []),
      ...(this.#error === undefined
        ? []
        : [
            `the web config cannot be used: ${this.#error}; HTTP goes on with what it had, and a restart would fail`,
          ]),
    ]
  }

  *samples(): Iterable<Sample> {
    yield { name: 'hearsay_web_config_last_reload_successful', value: this.#error === undefined ? 1 : 0 }
    yield {
      name: 'hearsay_web_config_last_reload_success_timestamp_seconds',
      value: this.#loadedAtMs / 1000,
    }
    yield { name: 'hearsay_http_password_checks_waiting', value: this.#checks.waiting }
    const { tls } = this.#loaded
    if (tls === undefined) return
    yield { name: 'hearsay_http_certificate_expiry_timestamp_seconds', value: tls.notAfterMs / 1000 }
    yield* this.tls?.samples() ?? []
  }

  /** Nobody is let in by password any more. Resolves when nothing runs. */
  async close(): Promise<void> {
    this.#stopPolling()
    await this.#turn
    await this.#checks.close()
  }

  /** @throws OptionsError when it is not taken */
  #take(loaded: LoadedWebConfig): void {
    refuseStrangers(this.#options, loaded)
    refuseForLife(this.#options.path, this.#loaded, loaded)
    const isNew = loaded.content !== this.#loaded.content
    const { tls } = loaded.settings
    if (isNew && tls !== undefined && loaded.tls !== undefined) this.tls?.change(tlsRules(tls, loaded.tls))
    if (isNew) this.#credentials = this.#credentialsOf(loaded)
    if (this.#error !== undefined) this.#log?.info('web_config_usable_again', { file: this.#options.path })
    this.#error = undefined
    this.#loaded = loaded
    this.#loadedAtMs = this.#options.clock.wallMs()
    if (isNew) this.#log?.info('web_config_changed', this.#fields())
    if (isNew || loaded.exposed.join() !== this.#exposed) this.#tell()
  }

  #credentialsOf({ settings }: LoadedWebConfig): Credentials {
    return new Credentials(settings.users, this.#checks, () => this.#options.clock.monotonicMs())
  }

  #refuse(error: unknown): void {
    const reason = error instanceof Error ? error.message.replaceAll('\n', '; ') : String(error)
    if (reason === this.#error) return
    this.#error = reason
    this.#log?.warn('web_config_not_usable', { file: this.#options.path, reason, kept: 'all as it was' })
  }

  #tell(): void {
    const { exposed, settings } = this.#loaded
    this.#exposed = exposed.join()
    for (const file of exposed) {
      this.#log?.warn('web_config_readable_by_others', { file, advice: `chmod 600 ${file}` })
    }
    for (const warning of settings.warnings) this.#log?.warn('web_config_unwise', { warning })
  }

  #fields(): Readonly<Record<string, string | number>> {
    const { settings, tls } = this.#loaded
    return {
      file: this.#options.path,
      users: settings.users.size,
      ...(tls === undefined ? {} : { certificateEndsAt: new Date(tls.notAfterMs).toISOString() }),
    }
  }
}

function guardOf({ settings, tls }: LoadedWebConfig): TlsGuard | undefined {
  return settings.tls === undefined || tls === undefined
    ? undefined
    : new TlsGuard(tlsRules(settings.tls, tls))
}

function refuseStrangers({ path, mustAuthenticate }: WebConfigOptions, { settings }: LoadedWebConfig): void {
  if (!mustAuthenticate || authenticates(settings)) return
  throw new OptionsError([`${path}: it lets everybody in, and the listen address is open to others`])
}

/** What a listener is made with. */
function refuseForLife(path: string, before: LoadedWebConfig, after: LoadedWebConfig): void {
  const [tls, nextTls] = [before.settings.tls, after.settings.tls]
  const rates = [before.settings.requestRate, after.settings.requestRate].map((rate) => JSON.stringify(rate))
  const changed: string[] = []
  if ((tls === undefined) !== (nextTls === undefined)) changed.push('TLS or none')
  else if (tls?.clientAuth !== nextTls?.clientAuth) changed.push('client_auth_type')
  if (rates[0] !== rates[1]) changed.push('rate_limit')
  if (changed.length === 0) return
  throw new OptionsError([`${path}: ${changed.join(', ')} cannot change while it runs: restart for it`])
}
