/**
 * The gossip keys of an embedded replica, and their rotation while it runs: add the new key on every replica, then use it
 * on every one, then remove the old key. Nothing of it is kept: the next `openReplica` is to be given the new `keys`.
 */
import type { Keyring } from '../gossip/wire/keyring.ts'
import { notEncrypted, shownKeys } from './encryption.ts'
import { findKey, parseKey } from './gossip-key.ts'

/** A key by what may be shown of it. */
export interface ReplicaKey {
  /** First 8 hex digits of its SHA-256. */
  readonly fingerprint: string
  /** 16, 24 or 32. */
  readonly bytes: number
  /** Whether it is the one that encrypts. */
  readonly primary: boolean
}

/** Gossip keys of one embedded replica, shown and rotated. */
export class ReplicaKeys {
  readonly #ring: Keyring | undefined

  /** Made by `openReplica`. */
  constructor(ring: Keyring | undefined) {
    this.#ring = ring
  }

  /** The primary first; empty when gossip is plaintext. */
  list(): readonly ReplicaKey[] {
    return this.#ring === undefined ? [] : shownKeys(this.#ring)
  }

  /**
   * From the next packet on, opens what is encrypted with this key.
   * @param key base64 of 16, 24 or 32 bytes
   * @returns false when it was there
   * @throws HearsayError `GOSSIP_KEY_INVALID`, `GOSSIP_KEYS_TOO_MANY` above 8, `GOSSIP_NOT_ENCRYPTED` without `keys`
   */
  add(key: string): boolean {
    const ring = this.#required()
    const bytes = parseKey(key)
    if (ring.has(bytes)) return false
    ring.add(bytes)
    return true
  }

  /**
   * From the next packet on, encrypts with this key of the ring.
   * @param key base64, or a fingerprint
   * @throws HearsayError `GOSSIP_KEY_UNKNOWN`, `GOSSIP_KEY_INVALID`, `GOSSIP_NOT_ENCRYPTED`
   */
  use(key: string): void {
    const ring = this.#required()
    ring.use(findKey(ring.keys, key))
  }

  /**
   * From the next packet on, opens nothing that is encrypted with this key.
   * @param key base64, or a fingerprint
   * @throws HearsayError `GOSSIP_KEY_PRIMARY` for the one in use, `GOSSIP_KEY_UNKNOWN`, `GOSSIP_KEY_INVALID`,
   *   `GOSSIP_NOT_ENCRYPTED`
   */
  remove(key: string): void {
    const ring = this.#required()
    ring.remove(findKey(ring.keys, key))
  }

  #required(): Keyring {
    if (this.#ring !== undefined) return this.#ring
    throw notEncrypted('this replica was opened without keys, and gossips in plaintext')
  }
}
