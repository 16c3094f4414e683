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
const PIECE_BYTES = 64 * 1024

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

  open(context: AeadContext, sealed: Sealed): Uint8Array | undefined {
    if (sealed.ciphertext.length > PIECE_BYTES && !isAuthentic(context, sealed)) return undefined
    const decipher = decipherOf(context, sealed)
    const plaintext = decipher.update(sealed.ciphertext)
    return authentic(decipher) ? plainBytes(plaintext) : undefined
  },
}

function decipherOf({ key, nonce, associated }: AeadContext, { tag }: Sealed): DecipherGCM {
  return createDecipheriv(algorithmOf(key), key, nonce, OPTIONS).setAAD(associated).setAuthTag(tag)
}

/** Looked at piece by piece first: what nobody can read shall not cost as much memory as what somebody can. */
function isAuthentic(context: AeadContext, sealed: Sealed): boolean {
  const { ciphertext } = sealed
  const decipher = decipherOf(context, sealed)
  for (let at = 0; at < ciphertext.length; at += PIECE_BYTES) {
    decipher.update(ciphertext.subarray(at, at + PIECE_BYTES))
  }
  return authentic(decipher)
}
