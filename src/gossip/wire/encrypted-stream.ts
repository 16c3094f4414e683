/**
 * The encrypted frame of a stream: type byte 10, the length of the block in four bytes big-endian, the block
 * (memberlist-wire.md section 2.4). The five bytes before the block are authenticated with it, and the cluster's label
 * after them.
 *
 * The block can only be read once it is all there: GCM tells about its last byte and its first at once. The announced
 * length is compared with a bound, and nothing behind it is read before there is room for that.
 */
import type { BodyRoom } from './body-room.ts'
import type { ByteAccumulator } from './byte-accumulator.ts'
import type { DropReason } from './drop-reason.ts'
import { blockLength, openBlock, type SealBlockOptions, sealBlock } from './encrypted-block.ts'
import { type Encryption, readsBlocks } from './encryption.ts'
import { MessageType } from './message-type.ts'

/** Type byte and length. */
const ENCRYPTED_HEAD_BYTES = 5

/**
 * @param prefix goes before the frame, unencrypted; may be empty
 * @param sealing its `associated` is the label, to which the head of the frame is added
 */
export function encryptStream(prefix: Uint8Array, plain: Uint8Array, sealing: SealBlockOptions): Uint8Array {
  const length = blockLength(sealing.version, plain.length)
  const at = prefix.length + ENCRYPTED_HEAD_BYTES
  const bytes = new Uint8Array(at + length)
  bytes.set(prefix)
  bytes[prefix.length] = MessageType.encrypted
  for (let i = 0; i < 4; i++) bytes[prefix.length + 1 + i] = (length >>> (24 - 8 * i)) & 255
  const associated = headAndLabel(bytes.subarray(prefix.length, at), sealing.associated)
  sealBlock(bytes, at, plain, { ...sealing, associated })
  return bytes
}

/**
 * Consumes nothing: what is returned takes the place of the input.
 *
 * @param input starts at the type byte
 * @param blockBytesMax bound on the block
 * @returns the content, at least one byte
 */
export function decryptStream(
  input: ByteAccumulator,
  encryption: Encryption | undefined,
  label: Uint8Array,
  blockBytesMax: number,
  room: BodyRoom,
): Uint8Array | DropReason | 'need-more' {
  if (!readsBlocks(encryption)) return 'encrypted-without-key'
  if (input.length < ENCRYPTED_HEAD_BYTES) return 'need-more'
  const { bytes, start } = input
  let length = 0
  for (let i = 1; i < ENCRYPTED_HEAD_BYTES; i++) length = length * 256 + (bytes[start + i] as number)
  if (length > blockBytesMax) return 'too-large'
  const at = start + ENCRYPTED_HEAD_BYTES
  if (!room.has(length)) return 'need-more'
  if (input.length < ENCRYPTED_HEAD_BYTES + length) {
    room.use(input, ENCRYPTED_HEAD_BYTES + length)
    return 'need-more'
  }
  const associated = headAndLabel(bytes.subarray(start, at), label)
  return openBlock(bytes.subarray(at, at + length), encryption.keyring.keys, encryption.aead, associated)
}

function headAndLabel(head: Uint8Array, label: Uint8Array): Uint8Array {
  const associated = new Uint8Array(head.length + label.length)
  associated.set(head)
  associated.set(label, head.length)
  return associated
}
