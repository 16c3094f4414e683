/**
 * The keys under which a replica's state lies in the storage.
 *
 *   01                              clock
 *   02 actor                        what was seen of one actor
 *   10 map  00 01 key               map entry, tombstones included
 *   11 set  00 01 member            the dots of a set element
 *   12 table 00 01 key              foreign record
 *
 * Names end in 00 01; a NUL inside a name is written 00 ff, which no UTF-8 continues with, so every pair of strings has
 * one key and every key one pair. All of a map lies together, and `prefixOf` is a prefix of exactly its keys. Keys from
 * ff up belong to the storage layer, as do the format version and checksums (record-storage.ts).
 */
import { ByteReader, BytesError, ByteWriter, utf8Decode, utf8Encode } from '../../base/bytes.ts'
import type { ActorId } from '../../base/names.ts'
import { ACTOR_BYTES, decodeActor, writeActor } from './actor-bytes.ts'
import type { StateKey } from './state-key.ts'

export type StorageKey =
  | { readonly kind: 'clock' }
  | { readonly kind: 'context'; readonly actor: ActorId }
  | StateKey

const CLOCK = 0x01
const CONTEXT = 0x02
const ENTRY = 0x10
const MEMBER = 0x11
const RECORD = 0x12
const NUL = 0x00
const END_OF_NAME = 0x01
const ESCAPED_NUL = 0xff

export function encodeStorageKey(key: StorageKey): Uint8Array {
  switch (key.kind) {
    case 'clock':
      return Uint8Array.of(CLOCK)
    case 'context': {
      const writer = new ByteWriter(1 + ACTOR_BYTES).u8(CONTEXT)
      writeActor(writer, key.actor)
      return writer.finish()
    }
    case 'entry':
      return pairKey(ENTRY, key.map, key.key)
    case 'member':
      return pairKey(MEMBER, key.set, key.member)
    case 'record':
      return pairKey(RECORD, key.table, key.key)
  }
}

/** What all keys of one map, set or table begin with, and no others. */
export function prefixOf(kind: StateKey['kind'], name: string): Uint8Array {
  return pairKey(kind === 'entry' ? ENTRY : kind === 'member' ? MEMBER : RECORD, name, '')
}

/** @throws BytesError `BYTES_MALFORMED` for a key that `encodeStorageKey` never gives */
export function decodeStorageKey(bytes: Uint8Array): StorageKey {
  return new StorageKeyReader().read(bytes)
}

/**
 * Reads many keys. Those of one map, set or table usually come together, and begin with the same bytes: the name is
 * decoded when it changes.
 */
export class StorageKeyReader {
  readonly #reader = new ByteReader(new Uint8Array())
  #prefix: Uint8Array = new Uint8Array()
  #kind = 0
  #name = ''

  /** @throws BytesError `BYTES_MALFORMED` for a key that `encodeStorageKey` never gives */
  read(bytes: Uint8Array): StorageKey {
    const reader = this.#reader
    reader.reset(bytes)
    if (this.#kind === 0 || !reader.takes(this.#prefix)) {
      const kind = bytes[0]
      if (kind === CLOCK && bytes.length === 1) return { kind: 'clock' }
      if (kind === CONTEXT && bytes.length === 1 + ACTOR_BYTES) {
        return { kind: 'context', actor: decodeActor(bytes.subarray(1)) }
      }
      if (kind !== ENTRY && kind !== MEMBER && kind !== RECORD) throw unknownKey()
      const { name, end } = readName(bytes)
      this.#prefix = bytes.slice(0, reader.skip(end) + end)
      this.#kind = kind
      this.#name = name
    }
    const key = reader.text(reader.remaining)
    if (this.#kind === ENTRY) return { kind: 'entry', map: this.#name, key }
    return this.#kind === MEMBER
      ? { kind: 'member', set: this.#name, member: key }
      : { kind: 'record', table: this.#name, key }
  }
}

/** Reused: a batch makes up to 100,000 keys. It holds one key, of about 3 KiB at most with the default limits. */
const scratch = new ByteWriter(160)

function pairKey(kind: number, name: string, key: string): Uint8Array {
  const writer = scratch.reset().u8(kind)
  if (!name.includes('\0')) writer.text(name)
  else {
    for (const byte of utf8Encode(name)) {
      writer.u8(byte)
      if (byte === NUL) writer.u8(ESCAPED_NUL)
    }
  }
  return writer.u8(NUL).u8(END_OF_NAME).text(key).finish()
}

/** The name that begins at byte 1, and where its end mark ends. */
function readName(bytes: Uint8Array): { readonly name: string; readonly end: number } {
  let name = ''
  let from = 1
  for (;;) {
    const nul = bytes.indexOf(NUL, from)
    const mark = bytes[nul + 1]
    if (nul < 0 || (mark !== END_OF_NAME && mark !== ESCAPED_NUL)) throw unknownKey()
    name += utf8Decode(bytes.subarray(from, nul))
    from = nul + 2
    if (mark === END_OF_NAME) return { name, end: from }
    name += '\0'
  }
}

function unknownKey(): BytesError {
  return new BytesError('BYTES_MALFORMED', 'not a storage key of ours')
}
