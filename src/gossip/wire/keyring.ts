/**
 * The keyring: which secrets a cluster's traffic may be under.
 *
 * We encrypt with the primary key and open with any, so that a key can be exchanged without a gap: add the new one
 * everywhere, make it primary everywhere, remove the old one everywhere (memberlist keyring.go). The ring is live:
 * whoever holds it sees a change with the next packet. An empty ring means no encryption.
 *
 * Keys are 16, 24 or 32 bytes (AES-128, -192, -256). Never printed, never logged: errors name no key.
 */
import { compareBytes } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'

/** Keys that a ring may hold; opening tries them in turn, so this bounds the work for a forged packet. */
export const KEYS_MAX = 8
const KEY_BYTES: ReadonlySet<number> = new Set([16, 24, 32])

export class Keyring {
  #keys: readonly Uint8Array[] = []

  /** @param keys the primary first. @throws HearsayError as `replace` */
  constructor(keys: readonly Uint8Array[] = []) {
    this.replace(keys)
  }

  /** Whether traffic is encrypted at all. */
  get isEmpty(): boolean {
    return this.#keys.length === 0
  }

  /** What we encrypt with. */
  get primary(): Uint8Array | undefined {
    return this.#keys[0]
  }

  /** In the order in which opening tries them: the primary first. */
  get keys(): readonly Uint8Array[] {
    return this.#keys
  }

  /**
   * Takes other keys, all or nothing; doubles are dropped.
   * @param keys the primary first
   * @throws HearsayError `GOSSIP_KEY_INVALID` for a key of another length, `GOSSIP_KEYS_TOO_MANY` above `KEYS_MAX`
   */
  replace(keys: readonly Uint8Array[]): void {
    const distinct = keys.filter((key, i) => keys.findIndex((other) => compareBytes(key, other) === 0) === i)
    for (const key of distinct) checkKey(key)
    if (distinct.length > KEYS_MAX) {
      throw new HearsayError('GOSSIP_KEYS_TOO_MANY', `a keyring holds at most ${KEYS_MAX} keys`)
    }
    this.#keys = distinct.map((key) => key.slice())
  }

  /** Adds a key that opens but does not encrypt, unless it is the first. @throws HearsayError as `replace` */
  add(key: Uint8Array): void {
    this.replace([...this.#keys, key])
  }

  /** Makes a key of the ring the primary one. @throws HearsayError `GOSSIP_KEY_UNKNOWN` */
  use(key: Uint8Array): void {
    if (!this.has(key))
      throw new HearsayError('GOSSIP_KEY_UNKNOWN', 'the key is not in the keyring: add it first')
    this.replace([key, ...this.#keys])
  }

  /** @throws HearsayError `GOSSIP_KEY_PRIMARY` for the primary key; a key that is not there is no error */
  remove(key: Uint8Array): void {
    const { primary } = this
    if (primary !== undefined && compareBytes(key, primary) === 0) {
      throw new HearsayError('GOSSIP_KEY_PRIMARY', 'the primary key cannot be removed: use another one first')
    }
    this.replace(this.#keys.filter((other) => compareBytes(key, other) !== 0))
  }

  has(key: Uint8Array): boolean {
    return this.#keys.some((other) => compareBytes(key, other) === 0)
  }
}

function checkKey(key: Uint8Array): void {
  if (KEY_BYTES.has(key.length)) return
  throw new HearsayError('GOSSIP_KEY_INVALID', `a key has 16, 24 or 32 bytes, not ${key.length}`)
}
