/**
 * AES-GCM by the host's OpenSSL, in this thread: a packet takes some 5 microseconds either way, 10 MiB some 10 ms, so
 * handing work to other threads would cost more than it saves.
 *
 * Nonces are 96 random bits. With one key, two of them meet with a chance of one in 2^33 after 2^32 packets (birthday
 * bound, NIST SP 800-38D section 8.3): a cluster that sends 1,000 packets a second should have another primary key
 * after 50 days. Counters would need memory that survives every crash, and one counter a member in the nonce.
 */
import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  type DecipherGCM,
  randomBytes,
} from 'node:crypto'
import { type Aead, type AeadContext, NONCE_BYTES, type Sealed, TAG_BYTES } from '../wire/aead.ts'
import { plainBytes } from '../wire/plain-bytes.ts'

const ALGORITHMS: Readonly<Record<number, CipherGCMTypes>> = {
  16: 'aes-128-gcm',
  24: 'aes-192-gcm',
  32: 'aes-256-gcm',
}
const OPTIONS = { authTagLength: TAG_BYTES }

/** @throws RangeError for a key of another length, which a Keyring never holds */
function algorithmOf(key: Uint8Array): CipherGCMTypes {
  const algorithm = ALGORITHMS[key.length]
  if (algorithm === undefined) throw new RangeError(`a key has 16, 24 or 32 bytes, not ${key.length}`)
  return algorithm
}

/** The tag is compared in constant time by OpenSSL, which tells of a mismatch by throwing. */
function authentic(decipher: DecipherGCM): boolean {
  try {
    decipher.final()
    return true
  } catch {
    return false
  }
}

export const aesGcm: Aead = {
  nonce(): Uint8Array {
    return plainBytes(randomBytes(NONCE_BYTES))
  },

  seal({ key, nonce, associated }: AeadContext, plaintext: Uint8Array): Sealed {
    const cipher = createCipheriv(algorithmOf(key), key, nonce, OPTIONS).setAAD(associated)
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    return { ciphertext, tag: cipher.getAuthTag() }
  },

  open({ key, nonce, associated }: AeadContext, { ciphertext, tag }: Sealed): Uint8Array | undefined {
    const decipher = createDecipheriv(algorithmOf(key), key, nonce, OPTIONS)
      .setAAD(associated)
      .setAuthTag(tag)
    const plaintext = decipher.update(ciphertext)
    return authentic(decipher) ? plainBytes(plaintext) : undefined
  },
}
