/** memberlist's encrypted block (version, nonce, AES-GCM, tag) over node:crypto: version 0 pads to 16 bytes, version 1 does not. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

export type BlockVersion = 0 | 1

const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + NONCE_BYTES

export function encryptBlock(
  version: BlockVersion,
  key: Uint8Array,
  plain: Uint8Array,
  aad: Uint8Array,
  nonce: Uint8Array = randomBytes(NONCE_BYTES),
): Buffer {
  const cipher = createCipheriv(cipherOf(key), key, nonce)
  cipher.setAAD(aad)
  const pad = 16 - (plain.length % 16)
  const padded = version === 0 ? Buffer.concat([plain, Buffer.alloc(pad, pad)]) : plain
  return Buffer.concat([
    Buffer.of(version),
    nonce,
    cipher.update(padded),
    cipher.final(),
    cipher.getAuthTag(),
  ])
}

export interface OpenedBlock {
  readonly version: BlockVersion
  readonly plain: Buffer
}

/** @returns undefined when none of the keys fits */
export function decryptBlock(
  keys: readonly Uint8Array[],
  block: Uint8Array,
  aad: Uint8Array,
): OpenedBlock | undefined {
  const [version] = block
  if (version !== 0 && version !== 1) return undefined
  for (const key of keys) {
    const decipher = createDecipheriv(cipherOf(key), key, block.subarray(1, HEAD_BYTES))
    decipher.setAAD(aad)
    decipher.setAuthTag(block.subarray(block.length - TAG_BYTES))
    try {
      const plain = Buffer.concat([
        decipher.update(block.subarray(HEAD_BYTES, block.length - TAG_BYTES)),
        decipher.final(),
      ])
      return { version, plain: version === 1 ? plain : plain.subarray(0, plain.length - (plain.at(-1) ?? 0)) }
    } catch {
      // Another key, or none: the next one is tried.
    }
  }
  return undefined
}

function cipherOf(key: Uint8Array): 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' {
  if (key.length === 16) return 'aes-128-gcm'
  return key.length === 24 ? 'aes-192-gcm' : 'aes-256-gcm'
}
