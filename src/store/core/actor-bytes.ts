/** Actor ids as 16 bytes, the way disk and wire hold them. */
import type { ByteWriter } from '../../base/bytes.ts'
import type { ActorId } from '../../base/names.ts'

export const ACTOR_BYTES = 16

export function writeActor(writer: ByteWriter, actor: ActorId): void {
  for (let i = 0; i < ACTOR_BYTES * 2; i += 2) {
    writer.u8((digit(actor.charCodeAt(i)) << 4) | digit(actor.charCodeAt(i + 1)))
  }
}

export function decodeActor(bytes: Uint8Array): ActorId {
  const codes: number[] = []
  for (const byte of bytes) codes.push(hexCode(byte >> 4), hexCode(byte & 15))
  // 32 lower-case hex digits by the way it was made.
  return String.fromCharCode(...codes) as ActorId
}

function hexCode(digit: number): number {
  return digit < 10 ? 0x30 + digit : 0x57 + digit
}

/** Value of one lower-case hex digit. */
function digit(code: number): number {
  return code < 0x3a ? code - 0x30 : code - 0x57
}
