/**
 * The encrypted block: `version | nonce 12 | ciphertext | tag 16` (memberlist-wire.md section 2.4).
 *
 * Version 1, which everybody writes since protocol 2, adds 29 bytes to what it holds. Version 0 pads first and adds up
 * to 45; it is read for the sake of old peers. Which key a block is under stands nowhere: the reader tries all, the
 * primary first. A packet costs about 10 microseconds a key that way, so the ring is short (`KEYS_MAX`).
 *
 * The version byte is not authenticated: whoever can change a packet on its way can make a version 1 block be read as
 * version 0. memberlist then cuts the content at a byte of the attacker's luck, or crashes. Here the content would have to
 * end in valid padding, and what is cut off then shows in the checksum that packets carry inside, or in the lengths of a
 * message.
 *
 * Whatever arrives, opening returns. What does not authenticate under any key is `undecryptable`, for whatever reason:
 * too short, another version, another label, altered on the way, another key. An empty content is refused on both
 * sides, because memberlist peers crash on it.
 */
import { assert } from '../../base/assert.ts'
import { type Aead, NONCE_BYTES, TAG_BYTES } from './aead.ts'
import type { DropReason } from './drop-reason.ts'
import { PAD_BLOCK_BYTES, pad, padBytes, unpad } from './pkcs7.ts'

/** 0 pads its content, 1 does not. */
export type BlockVersion = 0 | 1

const HEAD_BYTES = 1 + NONCE_BYTES

/** What version 1, the one that we write, adds to its content. */
export const BLOCK_OVERHEAD_BYTES: number = HEAD_BYTES + TAG_BYTES

/** Exact length of the block around `plainBytes`. */
export function blockLength(version: BlockVersion, plainBytes: number): number {
  return BLOCK_OVERHEAD_BYTES + plainBytes + (version === 0 ? padBytes(plainBytes) : 0)
}

export interface SealBlockOptions {
  readonly aead: Aead
  readonly key: Uint8Array
  /** Authenticated with the block, and not part of it. */
  readonly associated: Uint8Array
  readonly version: BlockVersion
}

/**
 * Writes the block at `target[at]`.
 * @param target with `blockLength` bytes of room from `at`
 * @param plain at least one byte
 */
export function sealBlock(
  target: Uint8Array,
  at: number,
  plain: Uint8Array,
  { aead, key, associated, version }: SealBlockOptions,
): void {
  assert(plain.length > 0, 'nothing empty is ever encrypted')
  assert(target.length - at >= blockLength(version, plain.length), 'an encrypted block has room')
  const nonce = aead.nonce()
  assert(nonce.length === NONCE_BYTES, 'a nonce has 12 bytes')
  const { ciphertext, tag } = aead.seal({ key, nonce, associated }, version === 0 ? pad(plain) : plain)
  target[at] = version
  target.set(nonce, at + 1)
  target.set(ciphertext, at + HEAD_BYTES)
  target.set(tag, at + HEAD_BYTES + ciphertext.length)
}

/**
 * @param keys tried in this order
 * @returns the content, at least one byte, in memory of its own; or why not
 */
export function openBlock(
  block: Uint8Array,
  keys: readonly Uint8Array[],
  aead: Aead,
  associated: Uint8Array,
): Uint8Array | DropReason {
  const [version] = block
  if (version !== 0 && version !== 1) return 'undecryptable'
  if (block.length < BLOCK_OVERHEAD_BYTES + (version === 0 ? PAD_BLOCK_BYTES : 0)) return 'undecryptable'
  const nonce = block.subarray(1, HEAD_BYTES)
  const tagAt = block.length - TAG_BYTES
  const sealed = { ciphertext: block.subarray(HEAD_BYTES, tagAt), tag: block.subarray(tagAt) }
  for (const key of keys) {
    const opened = aead.open({ key, nonce, associated }, sealed)
    if (opened === undefined) continue
    const plain = version === 0 ? unpad(opened) : opened
    if (plain === undefined) return 'padding-malformed'
    return plain.length === 0 ? 'empty' : plain
  }
  return 'undecryptable'
}
