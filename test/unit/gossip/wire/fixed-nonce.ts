/** The keys and the nonce of memberlist-wire.md section 2.4's vectors, and a cipher that always draws that nonce. */
import { aesGcm } from '../../../../src/gossip/io/aes-gcm.ts'
import type { Aead } from '../../../../src/gossip/wire/aead.ts'
import type { Encryption } from '../../../../src/gossip/wire/encryption.ts'
import { Keyring } from '../../../../src/gossip/wire/keyring.ts'
import { fromHex } from './hex.ts'

export const KEY: Uint8Array = fromHex('000102030405060708090a0b0c0d0e0f')
export const OTHER_KEY: Uint8Array = new Uint8Array(32).fill(9)

export const fixedNonce: Aead = {
  nonce: () => fromHex('000102030405060708090a0b'),
  seal: (context, plaintext) => aesGcm.seal(context, plaintext),
  open: (context, sealed) => aesGcm.open(context, sealed),
}

/** Under these keys, the first primary; random nonces unless told otherwise. */
export function under(keys: readonly Uint8Array[], options: Partial<Encryption> = {}): Encryption {
  return {
    keyring: new Keyring(keys),
    aead: aesGcm,
    verifyIncoming: true,
    verifyOutgoing: true,
    ...options,
  }
}
