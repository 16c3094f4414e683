/**
 * The frames of claims on the private wire: `f1 01 43`, a kind, the sender's member name and the number of its process.
 *
 *   announce   "these are all the receivers I notify for"
 *   ask        "may I notify for this work?"; with `held`: "I hold it still", which nobody needs to answer but to object
 *   grant      "as far as I am concerned"
 *   deny       "no: this one claims it", or "no: the log has a newer entry, here it is", or both
 *   release    "I am through with it", and how it ended
 *
 * A claim is told from others by the process (`boot`) and a number that grows there with each claim (`seq`), so that an
 * answer that comes late is never taken for one to another question. An ask takes about 100 bytes, a grant 90.
 */
import { ByteReader, BytesError, ByteWriter, utf8Encode } from '../../base/bytes.ts'
import { PRIVATE_MAGIC, PRIVATE_VERSION } from '../../gossip/core/batch-frame.ts'
import { IDENTITY_BYTES_MAX } from '../core/admission.ts'

/** Third byte of the frames. */
export const KIND_CLAIM = 0x43
/** Of a work: group key and receiver. The log takes no longer ones. */
export const WORK_BYTES_MAX: number = IDENTITY_BYTES_MAX
/** Receivers that one member may announce. */
export const RECEIVERS_MAX = 1000
export const RECEIVER_BYTES_MAX = 1024
/**
 * A longer record of the log does not ride along with a denial: gossip has to bring it, within a second, or its group is
 * notified twice. 10,000 alerts, the most of one flush, take 100 kB; the rest is for receiver data.
 */
export const RECORD_BYTES_MAX: number = 1024 * 1024
/** The longest announcement fits. */
export const CLAIM_FRAME_BYTES_MAX: number = 2 * 1024 * 1024

const NAME_BYTES_MAX = 1024
const NOTIFICATION_ID_BYTES_MAX = 64
const HEADER_BYTES = 3
const KINDS = ['announce', 'ask', 'grant', 'deny', 'release'] as const
/** `withdrawn`: nothing was sent, and nothing said against others trying. */
const OUTCOMES = ['sent', 'failed', 'withdrawn'] as const
const FLAG_HELD = 1
const FLAG_VERSION = 2
const FLAG_HOLDER = 4
const FLAG_RECORD = 8

export type ReleaseOutcome = (typeof OUTCOMES)[number]

/** Which of its claims a member speaks of. */
export interface ClaimIdentity {
  readonly boot: number
  readonly seq: number
}

/** Who has the claim, as the denier knows it. */
export interface DeniedFor extends ClaimIdentity {
  readonly holder: string
  /** Otherwise it is still asking. */
  readonly held: boolean
  /** What is left of its lease. */
  readonly remainingMs: number
}

interface FromMember {
  readonly sender: string
  /** The sender's process. */
  readonly boot: number
}

interface AboutWork extends FromMember {
  readonly work: string
}

export interface AnnounceFrame extends FromMember {
  readonly kind: 'announce'
  /** `receiverKey` of each. */
  readonly receivers: readonly string[]
}

export interface AskFrame extends AboutWork {
  readonly kind: 'ask'
  readonly seq: number
  readonly held: boolean
  /** `timestampNs` of the log entry that was decided on; undefined when there is none. */
  readonly version: bigint | undefined
}

export interface GrantFrame extends AboutWork {
  readonly kind: 'grant'
  /** The claim that was asked for. */
  readonly to: ClaimIdentity
}

export interface DenyFrame extends AboutWork {
  readonly kind: 'deny'
  readonly to: ClaimIdentity
  readonly deniedFor: DeniedFor | undefined
  /** Of the sender's log entry, where it is newer than the asker's. */
  readonly newer: bigint | undefined
  readonly record: Uint8Array | undefined
}

export interface ReleaseFrame extends AboutWork {
  readonly kind: 'release'
  readonly seq: number
  readonly outcome: ReleaseOutcome
  /** Of the log entry that was written. */
  readonly version: bigint | undefined
  /** Of what was sent (SendOrder); empty when nothing was. */
  readonly notificationId: string
}

export type ClaimFrame = AnnounceFrame | AskFrame | GrantFrame | DenyFrame | ReleaseFrame

/** Texts must be within the limits above; too long a record is left out. */
export function encodeClaimFrame(frame: ClaimFrame): Uint8Array {
  const writer = new ByteWriter().u8(PRIVATE_MAGIC).u8(PRIVATE_VERSION).u8(KIND_CLAIM)
  writer.u8(KINDS.indexOf(frame.kind)).string(frame.sender).varint(frame.boot)
  if (frame.kind === 'announce') {
    writer.varint(frame.receivers.length)
    for (const receiver of frame.receivers) writer.string(receiver)
    return writer.finish()
  }
  writer.string(frame.work)
  switch (frame.kind) {
    case 'ask': {
      writer.varint(frame.seq).u8((frame.held ? FLAG_HELD : 0) | flagOf(frame.version))
      if (frame.version !== undefined) writer.i64(frame.version)
      break
    }
    case 'grant':
      writer.varint(frame.to.boot).varint(frame.to.seq)
      break
    case 'deny':
      writeDenial(writer, frame)
      break
    case 'release':
      writer.varint(frame.seq).u8(OUTCOMES.indexOf(frame.outcome)).u8(flagOf(frame.version))
      if (frame.version !== undefined) writer.i64(frame.version)
      writer.string(frame.notificationId)
      break
  }
  return writer.finish()
}

function flagOf(version: bigint | undefined): number {
  return version === undefined ? 0 : FLAG_VERSION
}

function writeDenial(writer: ByteWriter, { to, deniedFor, newer, record }: DenyFrame): void {
  const sent = record !== undefined && record.length <= RECORD_BYTES_MAX ? record : undefined
  const holderFlag = deniedFor === undefined ? 0 : FLAG_HOLDER | (deniedFor.held ? FLAG_HELD : 0)
  writer.varint(to.boot).varint(to.seq)
  writer.u8(flagOf(newer) | holderFlag | (sent === undefined ? 0 : FLAG_RECORD))
  if (deniedFor !== undefined) {
    const { holder, boot, seq, remainingMs } = deniedFor
    writer.string(holder).varint(boot).varint(seq).varint(remainingMs)
  }
  if (newer !== undefined) writer.i64(newer)
  if (sent !== undefined) writer.bytes(sent)
}

/** @returns undefined for whatever is not exactly one frame within the limits; never throws */
export function decodeClaimFrame(bytes: Uint8Array): ClaimFrame | undefined {
  if (bytes.length > CLAIM_FRAME_BYTES_MAX) return undefined
  const reader = new ByteReader(bytes, HEADER_BYTES)
  try {
    const kind = KINDS[reader.u8()]
    const sender = text(reader, NAME_BYTES_MAX)
    const boot = reader.varint()
    const frame =
      kind === 'announce' ? announcement(reader, sender, boot) : readRest(reader, kind, sender, boot)
    return reader.remaining === 0 && sender !== '' ? frame : undefined
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
}

function announcement(reader: ByteReader, sender: string, boot: number): AnnounceFrame {
  const count = reader.varint()
  if (count > RECEIVERS_MAX) throw new BytesError('BYTES_MALFORMED', 'too many receivers')
  const receivers: string[] = []
  for (let i = 0; i < count; i++) receivers.push(text(reader, RECEIVER_BYTES_MAX))
  return { kind: 'announce', sender, boot, receivers }
}

function readRest(
  reader: ByteReader,
  kind: (typeof KINDS)[number] | undefined,
  sender: string,
  boot: number,
): ClaimFrame | undefined {
  const from = { sender, boot, work: text(reader, WORK_BYTES_MAX) }
  switch (kind) {
    case 'ask': {
      const seq = reader.varint()
      const flags = reader.u8()
      return { kind, ...from, seq, held: (flags & FLAG_HELD) > 0, version: version(reader, flags) }
    }
    case 'grant':
      return { kind, ...from, to: { boot: reader.varint(), seq: reader.varint() } }
    case 'deny': {
      const to = { boot: reader.varint(), seq: reader.varint() }
      const flags = reader.u8()
      const deniedFor = (flags & FLAG_HOLDER) > 0 ? readHolder(reader, flags) : undefined
      const newer = version(reader, flags)
      return { kind, ...from, to, deniedFor, newer, record: record(reader, flags) }
    }
    case 'release': {
      const seq = reader.varint()
      const outcome = OUTCOMES[reader.u8()]
      if (outcome === undefined) return undefined
      const known = version(reader, reader.u8())
      const notificationId = text(reader, NOTIFICATION_ID_BYTES_MAX)
      return { kind, ...from, seq, outcome, version: known, notificationId }
    }
    default:
      return undefined
  }
}

function readHolder(reader: ByteReader, flags: number): DeniedFor {
  const holder = text(reader, NAME_BYTES_MAX)
  const held = (flags & FLAG_HELD) > 0
  return { held, holder, boot: reader.varint(), seq: reader.varint(), remainingMs: reader.varint() }
}

function version(reader: ByteReader, flags: number): bigint | undefined {
  return (flags & FLAG_VERSION) > 0 ? reader.i64() : undefined
}

function record(reader: ByteReader, flags: number): Uint8Array | undefined {
  if ((flags & FLAG_RECORD) === 0) return undefined
  return reader.raw(limited(reader.varint(), RECORD_BYTES_MAX)).slice()
}

function text(reader: ByteReader, bytesMax: number): string {
  return reader.text(limited(reader.varint(), bytesMax))
}

function limited(length: number, max: number): number {
  if (length > max) throw new BytesError('BYTES_MALFORMED', `${length} bytes; the limit is ${max}`)
  return length
}

/** Whether a work can be named in a frame. */
export function isWorkNameable(work: string): boolean {
  return work.length <= WORK_BYTES_MAX && utf8Encode(work).length <= WORK_BYTES_MAX
}

/** Whether a receiver can be announced. */
export function isReceiverNameable(receiver: string): boolean {
  return receiver.length <= RECEIVER_BYTES_MAX && utf8Encode(receiver).length <= RECEIVER_BYTES_MAX
}
