/**
 * The frames of anti-entropy on the private wire: `f1 01 'S'`, kind, then the sender's member name and the number of the
 * session, which the side that called chose at random. ADR 4 tells the story; the cast of it:
 *
 *   offer    rides in a push-pull: root, count, hash of the context; with context and 64 symbols unless roots are known equal
 *   swap     "you hold more than I: you compare", with my count and context
 *   ask      the comparing side wants a sketch of 4,096 symbols, or a listing of the buckets that differ from its own
 *   summary  that sketch, and the context from before it was made
 *   listing  the hashes in those buckets, in parts; the first has the context from before the scan and the buckets it covers
 *   want     hashes that the comparing side lacks, in parts; the first has its context, by which the other drops what is dead
 *   chunk    a delta of at most 64 KiB (one value may be larger); the last one says so and may be empty
 *   ack      a part was read, or a chunk is on disk
 *   done     everything has arrived: root, count and context at the end
 *   refuse   no session now
 *
 * A short offer of a member with a name of 15 letters takes 54 bytes. Decoders are bounded by the bytes they are given.
 */
import { ByteReader, BytesError } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { CausalContext } from '../../crdt/context.ts'
import { type ItemHash, Sketch } from '../../crdt/sketch.ts'
import { PRIVATE_MAGIC, PRIVATE_VERSION } from '../../gossip/core/batch-frame.ts'
import { DEFAULT_CODEC_LIMITS, FrameReader, FrameWriter } from '../core/frame-codec.ts'
import { DIGEST_BUCKETS } from '../core/syncable.ts'
import { CONTEXT_HASH_BYTES } from './context-hash.ts'

export const KIND_SYNC = 0x53
export const ROOT_BYTES = 16
/** A value at its limit of 1 MiB and a large context fit; nothing longer is read. */
export const SYNC_FRAME_BYTES_MAX: number = 8 * 1024 * 1024
/** Symbols that an offer carries. */
export const OFFER_SYMBOLS = 64
const NAME_CHARACTERS_MAX = 1024
const HEADER_BYTES = 3

/** What a replica holds, in short; all of one instant. */
export interface StateSummary {
  readonly root: Uint8Array
  readonly count: number
  readonly contextHash: Uint8Array
  readonly context: CausalContext | undefined
  readonly sketch: Sketch | undefined
}

/** Hashes as they stand on the wire, 8 bytes each: `hi`, then `lo`. Views into the frame. */
export type HashBytes = Uint8Array

export const REFUSALS = ['busy', 'superseded'] as const
export type Refusal = (typeof REFUSALS)[number]

const ACKED = ['chunk', 'listing', 'want'] as const
export type Acked = (typeof ACKED)[number]

export type SyncBody =
  | { readonly kind: 'offer' | 'done'; readonly state: StateSummary }
  | { readonly kind: 'swap'; readonly count: number; readonly context: CausalContext }
  | { readonly kind: 'ask-sketch' }
  | { readonly kind: 'ask-listing'; readonly buckets: Uint32Array }
  | { readonly kind: 'summary'; readonly context: CausalContext; readonly sketch: Sketch }
  | {
      readonly kind: 'listing'
      readonly part: number
      readonly last: boolean
      /** In part 0: the context, and which buckets are listed, a bit each. */
      readonly opening: { readonly context: CausalContext; readonly covers: Uint8Array } | undefined
      readonly items: HashBytes
    }
  | {
      readonly kind: 'want'
      readonly part: number
      readonly last: boolean
      /** The comparing side has nothing to send itself. */
      readonly nothingComes: boolean
      /** In part 0. */
      readonly context: CausalContext | undefined
      readonly contested: HashBytes
      readonly items: HashBytes
    }
  | { readonly kind: 'chunk'; readonly sequence: number; readonly last: boolean; readonly delta: Uint8Array }
  | { readonly kind: 'ack'; readonly of: Acked; readonly number: number }
  | { readonly kind: 'refuse'; readonly reason: Refusal }

export interface SyncFrame {
  readonly sender: string
  /** 0 in an offer: no session is wanted. */
  readonly session: number
  readonly body: SyncBody
}

const KINDS: readonly SyncBody['kind'][] = [
  'offer',
  'done',
  'swap',
  'ask-sketch',
  'ask-listing',
  'summary',
  'listing',
  'want',
  'chunk',
  'ack',
  'refuse',
]
const WITH_CONTEXT = 1
const WITH_SKETCH = 2
const LAST = 1
const NOTHING_COMES = 2
const COVERS_BYTES = DIGEST_BUCKETS / 8

/** Whether the bytes claim to be a frame of this family and version. */
export function isSyncFrame(bytes: Uint8Array): boolean {
  return bytes[0] === PRIVATE_MAGIC && bytes[1] === PRIVATE_VERSION && bytes[2] === KIND_SYNC
}

export function encodeSyncFrame({ sender, session, body }: SyncFrame): Uint8Array {
  const frame = new FrameWriter()
  frame.bytes.u8(PRIVATE_MAGIC).u8(PRIVATE_VERSION).u8(KIND_SYNC).u8(KINDS.indexOf(body.kind))
  frame.bytes.string(sender).varint(session)
  writeBody(frame, body)
  return frame.bytes.finish()
}

function writeBody(frame: FrameWriter, body: SyncBody): void {
  const { bytes } = frame
  switch (body.kind) {
    case 'offer':
    case 'done':
      writeSummary(frame, body.state)
      return
    case 'swap':
      bytes.varint(body.count)
      frame.context(body.context)
      return
    case 'ask-sketch':
      return
    case 'ask-listing':
      for (const word of body.buckets) bytes.u32(word)
      return
    case 'summary':
      frame.context(body.context)
      body.sketch.write(bytes)
      return
    case 'listing':
      bytes.varint(body.part).u8(body.last ? LAST : 0)
      if (body.opening !== undefined) {
        frame.context(body.opening.context)
        bytes.raw(body.opening.covers)
      }
      bytes.raw(body.items)
      return
    case 'want':
      bytes.varint(body.part).u8((body.last ? LAST : 0) | (body.nothingComes ? NOTHING_COMES : 0))
      if (body.context !== undefined) frame.context(body.context)
      bytes.bytes(body.contested).raw(body.items)
      return
    case 'chunk':
      bytes
        .varint(body.sequence)
        .u8(body.last ? LAST : 0)
        .raw(body.delta)
      return
    case 'ack':
      bytes.u8(ACKED.indexOf(body.of)).varint(body.number)
      return
    case 'refuse':
      bytes.u8(REFUSALS.indexOf(body.reason))
  }
}

function writeSummary(frame: FrameWriter, state: StateSummary): void {
  const flags =
    (state.context === undefined ? 0 : WITH_CONTEXT) | (state.sketch === undefined ? 0 : WITH_SKETCH)
  frame.bytes.u8(flags).raw(state.root).varint(state.count).raw(state.contextHash)
  if (state.context !== undefined) frame.context(state.context)
  state.sketch?.write(frame.bytes)
}

/** @throws HearsayError for whatever is not exactly one frame */
export function decodeSyncFrame(bytes: Uint8Array): SyncFrame {
  if (bytes.length > SYNC_FRAME_BYTES_MAX) {
    throw new HearsayError(
      'SYNC_FRAME_TOO_LARGE',
      `${bytes.length} bytes; the limit is ${SYNC_FRAME_BYTES_MAX}`,
    )
  }
  const frame = new FrameReader(bytes.subarray(HEADER_BYTES), DEFAULT_CODEC_LIMITS)
  const kind = pick(KINDS, frame.bytes.u8())
  const sender = frame.bytes.string()
  if (sender.length === 0 || sender.length > NAME_CHARACTERS_MAX) throw malformed('a sender without a name')
  const session = frame.bytes.varint()
  if (session === 0 && kind !== 'offer') throw malformed('a frame of no session')
  const body = readBody(frame, kind)
  frame.end()
  return { sender, session, body }
}

function readBody(frame: FrameReader, kind: SyncBody['kind']): SyncBody {
  const { bytes } = frame
  switch (kind) {
    case 'offer':
    case 'done':
      return { kind, state: readSummary(frame) }
    case 'swap':
      return { kind, count: bytes.varint(), context: frame.context() }
    case 'ask-sketch':
      return { kind }
    case 'ask-listing':
      return { kind, buckets: readBuckets(bytes) }
    case 'summary':
      return { kind, context: frame.context(), sketch: Sketch.read(bytes) }
    case 'listing': {
      const part = bytes.varint()
      const last = readFlags(bytes, LAST) !== 0
      const opening = part === 0 ? { context: frame.context(), covers: bytes.raw(COVERS_BYTES) } : undefined
      return { kind, part, last, opening, items: hashes(bytes.raw(bytes.remaining)) }
    }
    case 'want': {
      const part = bytes.varint()
      const flags = readFlags(bytes, LAST | NOTHING_COMES)
      const context = part === 0 ? frame.context() : undefined
      const contested = hashes(bytes.bytes())
      const items = hashes(bytes.raw(bytes.remaining))
      const [last, nothingComes] = [(flags & LAST) !== 0, (flags & NOTHING_COMES) !== 0]
      return { kind, part, last, nothingComes, context, contested, items }
    }
    case 'chunk': {
      const sequence = bytes.varint()
      return { kind, sequence, last: readFlags(bytes, LAST) !== 0, delta: bytes.raw(bytes.remaining) }
    }
    case 'ack':
      return { kind, of: pick(ACKED, bytes.u8()), number: bytes.varint() }
    case 'refuse':
      return { kind, reason: pick(REFUSALS, bytes.u8()) }
  }
}

function readSummary(frame: FrameReader): StateSummary {
  const flags = readFlags(frame.bytes, WITH_CONTEXT | WITH_SKETCH)
  return {
    root: frame.bytes.raw(ROOT_BYTES).slice(),
    count: frame.bytes.varint(),
    contextHash: frame.bytes.raw(CONTEXT_HASH_BYTES).slice(),
    context: (flags & WITH_CONTEXT) === 0 ? undefined : frame.context(),
    sketch: (flags & WITH_SKETCH) === 0 ? undefined : Sketch.read(frame.bytes, OFFER_SYMBOLS),
  }
}

function readBuckets(bytes: ByteReader): Uint32Array {
  const own = new ByteReader(bytes.raw(DIGEST_BUCKETS * 8))
  return Uint32Array.from({ length: DIGEST_BUCKETS * 2 }, () => own.u32())
}

function readFlags(bytes: ByteReader, known: number): number {
  const flags = bytes.u8()
  if (flags > known) throw malformed('unknown flags')
  return flags
}

function hashes(bytes: Uint8Array): HashBytes {
  if (bytes.length % 8 !== 0) throw malformed('half a hash')
  return bytes
}

function pick<T>(choices: readonly T[], index: number): T {
  const choice = choices[index]
  if (choice === undefined) throw malformed('unknown kind')
  return choice
}

function malformed(what: string): BytesError {
  return new BytesError('BYTES_MALFORMED', what)
}

/** Writes hashes as they stand on the wire. */
export function packHashes(items: readonly ItemHash[]): HashBytes {
  const view = new DataView(new ArrayBuffer(items.length * 8))
  for (const [i, { hi, lo }] of items.entries()) {
    view.setUint32(i * 8, hi)
    view.setUint32(i * 8 + 4, lo)
  }
  return new Uint8Array(view.buffer)
}

/** @param each hears every hash; returning false ends it. @returns whether it came to the end */
export function eachHash(bytes: HashBytes, each: (hi: number, lo: number) => boolean): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; at += 8) {
    if (!each(view.getUint32(at), view.getUint32(at + 4))) return false
  }
  return true
}
