/**
 * The cipher that encryption is built on, injected: authenticated encryption with associated data, AES-GCM in practice.
 *
 * Think of a sealed glass box: nobody reads or changes what is inside, and the note stuck outside (the associated data)
 * can be read by everyone but not exchanged without breaking the seal.
 *
 * Numbers: keys of 16, 24 or 32 bytes, nonces of 12, tags of 16. Hosts have a fast and constant-time AES; a core has no
 * reason to carry its own, and no randomness to draw nonces from.
 */
export const NONCE_BYTES = 12
export const TAG_BYTES = 16

export interface AeadContext {
  /** 16, 24 or 32 bytes. */
  readonly key: Uint8Array
  /** `NONCE_BYTES`; never twice with one key. */
  readonly nonce: Uint8Array
  /** Authenticated, not encrypted; may be empty. */
  readonly associated: Uint8Array
}

export interface Sealed {
  /** As long as the plaintext. */
  readonly ciphertext: Uint8Array
  /** `TAG_BYTES`. */
  readonly tag: Uint8Array
}

export interface Aead {
  /** A fresh one. */
  nonce(): Uint8Array
  seal(context: AeadContext, plaintext: Uint8Array): Sealed
  /** @returns the plaintext in memory of its own, or undefined when anything is not what was sealed. Never throws */
  open(context: AeadContext, sealed: Sealed): Uint8Array | undefined
}
