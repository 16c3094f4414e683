/**
 * How a cluster's traffic is encrypted: the ring, the cipher, and how strict we are while a cluster is being moved.
 *
 * Both switches are on but for one occasion: turning encryption on in a running cluster. First every member gets the
 * key with both off (it then reads both), then all switch on outgoing, then incoming. Nobody is cut off in between.
 *
 * The label is authenticated with everything although answers on a stream do not carry it (memberlist-wire.md section
 * 2.5), so traffic recorded in one cluster is void in another that has the same key.
 */
import type { Aead } from './aead.ts'
import type { BlockVersion, SealBlockOptions } from './encrypted-block.ts'
import type { Keyring } from './keyring.ts'

export interface Encryption {
  /** Live: read anew for every packet and stream. Empty means plaintext. */
  readonly keyring: Keyring
  readonly aead: Aead
  /** Whether plaintext is refused while the ring holds a key. */
  readonly verifyIncoming: boolean
  /** Whether we encrypt while the ring holds a key. */
  readonly verifyOutgoing: boolean
  /** What we write; default 1. Both are read. */
  readonly version?: BlockVersion
}

/** What to seal what we send with now, or undefined for plaintext. @param associated authenticated with it */
export function sealingNow(
  encryption: Encryption | undefined,
  associated: Uint8Array,
): SealBlockOptions | undefined {
  const key = encryption?.verifyOutgoing ? encryption.keyring.primary : undefined
  if (encryption === undefined || key === undefined) return undefined
  return { aead: encryption.aead, key, associated, version: encryption.version ?? 1 }
}

/** Whether what others send may be encrypted. */
export function readsBlocks(encryption: Encryption | undefined): encryption is Encryption {
  return encryption !== undefined && !encryption.keyring.isEmpty
}

/** Whether what others send is only read once it was decrypted. */
export function refusesPlaintext(encryption: Encryption | undefined): boolean {
  return readsBlocks(encryption) && encryption.verifyIncoming
}
