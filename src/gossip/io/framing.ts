/** What is around every message of ours, packets and streams alike: label, compression, encryption. */
import { type Encryption, refusesPlaintext, sealingNow } from '../wire/encryption.ts'
import { aesGcm } from './aes-gcm.ts'
import type { EncryptionState, GossipOptions } from './gossip.ts'

export interface Framing {
  /** Empty for none. */
  readonly label: string
  /** Whether what we send is LZW-compressed: smaller, and about 0.1 s of this thread for each 10 MB. */
  readonly compress: boolean
  /** Undefined without a ring. */
  readonly encryption?: Encryption | undefined
}

export function framingOf(options: GossipOptions): Framing {
  const { label = '', compress = false, keyring, verifyIncoming = true, verifyOutgoing = true } = options
  const encryption = keyring && { keyring, aead: aesGcm, verifyIncoming, verifyOutgoing }
  return { label, compress, encryption }
}

/** What holds now: it changes with the ring. */
export function encryptionNow(encryption: Encryption | undefined): EncryptionState {
  return {
    sends: sealingNow(encryption, new Uint8Array(0)) !== undefined,
    requires: refusesPlaintext(encryption),
  }
}
