/**
 * Whether and how a replica encrypts its gossip, as it is shown (status, metrics, `/api/v1/cluster/keys`) and changed.
 *
 * Keys come from a key file (`serve`) or from the embedding program. Over HTTP only those of a file are changed, since
 * the change is to outlive the process; a first key, or none at all, is never come by live: that would turn encryption
 * on or off for this replica alone, and cut it off from the others.
 */
import { counted } from '../base/counted.ts'
import { HearsayError } from '../base/errors.ts'
import type { Keyring } from '../gossip/wire/keyring.ts'
import type { GossipKeys, ShownKey, ShownKeys } from '../http/facades.ts'
import type { Sample } from '../http/metrics/registry.ts'
import { fingerprintOf } from './gossip-key.ts'
import type { KeyFile } from './key-file.ts'
import { type GossipProtection, type PlaintextGossip, plaintextGossip } from './plaintext-gossip.ts'
import type { RoomLog } from './room-log.ts'

export interface EncryptionOptions extends GossipProtection {
  /** Where gossip listens, `host:port`; without it nothing is said of plaintext. */
  readonly listen?: string
  /** Where the ring comes from, if that is a file. */
  readonly file?: KeyFile
}

export class Encryption implements GossipKeys {
  readonly #options: EncryptionOptions

  constructor(options: EncryptionOptions) {
    this.#options = options
  }

  /** For `/api/v1/status`: JSON values only. */
  get status(): Readonly<Record<string, unknown>> {
    const { ring, file, verifyIncoming, verifyOutgoing } = this.#options
    if (ring?.primary === undefined) return { state: 'off' }
    return {
      state: 'on',
      keys: ring.keys.length,
      primary: fingerprintOf(ring.primary),
      verifyIncoming,
      verifyOutgoing,
      ...(file?.status.error === undefined ? {} : { keyFileError: file.status.error }),
    }
  }

  /** For a person, one sentence each: gossip that others reach is not all encrypted; the key file is of no use. */
  warnings(): readonly string[] {
    const { file, ring } = this.#options
    const plaintext = this.#plaintext()
    const error = file?.status.error
    const kept = `gossip goes on with the ${counted(ring?.keys.length ?? 0, 'key')} it had, and a restart would fail`
    return [
      ...(plaintext === undefined ? [] : [plaintext.text]),
      ...(error === undefined ? [] : [`the key file cannot be used: ${error}; ${kept}`]),
    ]
  }

  /** The same for the log, at the start: a warning only where a move to encryption was left halfway. */
  tell(log: RoomLog): void {
    const plaintext = this.#plaintext()
    if (plaintext === undefined) return
    const level = plaintext.code === 'gossip_plaintext' ? 'info' : 'warn'
    log[level](plaintext.code, { advice: plaintext.text })
  }

  *samples(): Iterable<Sample> {
    const { ring, file } = this.#options
    yield { name: 'hearsay_gossip_keys', value: ring?.keys.length ?? 0 }
    if (file === undefined) return
    const { error, loadedAtMs } = file.status
    yield { name: 'hearsay_gossip_key_file_last_reload_successful', value: error === undefined ? 1 : 0 }
    yield {
      name: 'hearsay_gossip_key_file_last_reload_success_timestamp_seconds',
      value: loadedAtMs / 1000,
    }
  }

  shown(): ShownKeys {
    const { file, verifyIncoming, verifyOutgoing } = this.#options
    const status = file?.status
    return {
      keys: shownKeys(this.#ring()),
      verifyIncoming,
      verifyOutgoing,
      file: status?.path,
      loadedAtMs: status?.loadedAtMs,
      error: status?.error,
    }
  }

  async add(key: string): Promise<boolean> {
    return await this.#file().add(key)
  }

  async use(fingerprint: string): Promise<void> {
    await this.#file().use(fingerprint)
  }

  async remove(fingerprint: string): Promise<void> {
    await this.#file().remove(fingerprint)
  }

  #plaintext(): PlaintextGossip | undefined {
    const { listen } = this.#options
    return listen === undefined ? undefined : plaintextGossip(listen, this.#options)
  }

  #ring(): Keyring {
    const { ring } = this.#options
    if (ring !== undefined && !ring.isEmpty) return ring
    throw notEncrypted('this replica gossips in plaintext: it was started without a key file')
  }

  #file(): KeyFile {
    this.#ring()
    const { file } = this.#options
    if (file !== undefined) return file
    throw new HearsayError(
      'KEY_FILE_NONE',
      'the keys of this replica come from the program that it is part of, which alone changes them',
    )
  }
}

/** What may be shown of a ring, the primary first. */
export function shownKeys(ring: Keyring): readonly ShownKey[] {
  return ring.keys.map((key, i) => ({
    fingerprint: fingerprintOf(key),
    bytes: key.length,
    primary: i === 0,
  }))
}

export function notEncrypted(message: string): HearsayError {
  return new HearsayError('GOSSIP_NOT_ENCRYPTED', message)
}
