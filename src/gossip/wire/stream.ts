/**
 * Streams: one message a direction, without an outer length, read as it comes (memberlist-wire.md section 2.7).
 *
 * The peer keeps its side open and waits for the answer, so the end of a message is where its own numbers say, not
 * where the connection ends. A reader takes chunks of any size and answers with the chunk that completes the message.
 * Parsing resumes where it stopped: time is linear in the bytes, however they are cut.
 *
 * Layers on reading: label header (dialling side only), at most one encrypted frame, at most one compressed frame,
 * message. The encrypted frame is `0a | length, 4 bytes | block`; its five bytes of head and the label are
 * authenticated with it, in answers too, although these carry no label. While we hold a key and insist on it, no byte
 * behind the type is looked at unless a key of ours opened it. Bounds: `StreamLimits`.
 *
 * A reader is modest where it is told to: before it takes in a large body it waits for room, and when it has expanded much
 * it waits for another turn of the event loop. `waitsFor` says which, `goOn` continues.
 *
 * Not handled here: deadlines, the number of open streams, who gets room.
 */
import { utf8Encode } from '../../base/bytes.ts'
import type { StreamMessage } from '../core/messages.ts'
import { BodyRoom } from './body-room.ts'
import { ByteAccumulator } from './byte-accumulator.ts'
import { CompressedReader, encodeCompressed } from './compressed-frame.ts'
import type { DropReason } from './drop-reason.ts'
import { decryptStream, encryptStream } from './encrypted-stream.ts'
import { type Encryption, refusesPlaintext, sealingNow } from './encryption.ts'
import { ItemScanner } from './item-scanner.ts'
import { labelHeader, labelIn, matchLabel } from './label.ts'
import {
  DEFAULT_STREAM_LIMITS,
  ERROR_TEXT_BYTES_MAX,
  type StreamLimits,
  TRAILING_BYTES_MAX,
} from './limits.ts'
import { decodeMessage, encodeMessage } from './message-codec.ts'
import { MessageType } from './message-type.ts'
import { MsgpackCursor } from './msgpack-cursor.ts'
import { encodedKey, MsgpackWriter } from './msgpack-writer.ts'
import { plainBytes } from './plain-bytes.ts'
import { encodePushPull, PushPullReader } from './push-pull.ts'
import { type Layout, readStruct, uintField, viewField } from './struct-layout.ts'

const NONE = new Uint8Array(0)
const KEY_ERROR = encodedKey('Error')
const KEY_USER_MSG_LEN = encodedKey('UserMsgLen')
const USER_LAYOUT: Layout<{ length: number }> = [uintField('UserMsgLen', 'length', Number.MAX_SAFE_INTEGER)]
const ERROR_LAYOUT: Layout<{ error: Uint8Array }> = [viewField('Error', 'error')]
const lossyText = new TextDecoder('utf-8', { ignoreBOM: true })

export interface EncodeStreamOptions {
  /** One LZW frame around the message, even if that is longer; default false. Takes about 10 ms a megabyte. */
  readonly compress?: boolean
  /** Our cluster's label, empty for none. */
  readonly label?: string
  /** Whether we dialled: only then the label's header goes first. Default true. */
  readonly dialled?: boolean
  /** Default none. */
  readonly encryption?: Encryption | undefined
}

/** The whole of what one side writes. */
export function encodeStream(message: StreamMessage, options: EncodeStreamOptions = {}): Uint8Array {
  const plain = encodeStreamMessage(message)
  const body = options.compress ? encodeCompressed(plain) : plain
  const label = labelHeader(options.label ?? '')
  const header = (options.dialled ?? true) ? label : NONE
  const sealing = sealingNow(options.encryption, labelIn(label))
  if (sealing !== undefined) return encryptStream(header, body, sealing)
  if (header.length === 0) return body
  const bytes = new Uint8Array(header.length + body.length)
  bytes.set(header)
  bytes.set(body, header.length)
  return bytes
}

function encodeStreamMessage(message: StreamMessage): Uint8Array {
  switch (message.kind) {
    case 'push-pull':
      return encodePushPull(message)
    case 'user':
      return new MsgpackWriter(message.payload.length + 32)
        .u8(MessageType.user)
        .mapHead(1)
        .verbatim(KEY_USER_MSG_LEN)
        .uint(message.payload.length)
        .verbatim(message.payload)
        .finish()
    case 'error':
      return new MsgpackWriter()
        .u8(MessageType.error)
        .mapHead(1)
        .verbatim(KEY_ERROR)
        .raw(utf8Encode(message.error))
        .finish()
    case 'ping':
    case 'ack':
      return encodeMessage(message)
  }
}

export interface StreamReaderOptions {
  /** Our cluster's label, empty for none. */
  readonly label: string
  /** Whether we dialled: the answer carries no label then. Default false: the peer writes it first. */
  readonly dialled?: boolean
  /** Default none. */
  readonly encryption?: Encryption | undefined
  readonly limits?: Partial<StreamLimits>
}

export type StreamProgress = StreamMessage | 'need-more' | { readonly drop: DropReason }

/** What a step of the reader came to: `again` when there may be more to do with the bytes at hand. */
type Step = StreamMessage | DropReason | 'need-more' | 'again'

export class StreamReader {
  readonly #limits: StreamLimits
  readonly #encryption: Encryption | undefined
  readonly #label: Uint8Array
  /** What the present layer holds. */
  #input = new ByteAccumulator()
  /** What came and is not expanded yet, once the stream turned out to be compressed. */
  #packed: ByteAccumulator | undefined
  readonly #recordDrops = new Map<DropReason, number>()
  /** The next step; replaced as the stream unfolds. */
  #step: () => Step
  #inflater: CompressedReader | undefined
  /** A message whose compressed frame has not ended yet. */
  #whole: StreamMessage | undefined
  #receivedBytes = 0
  readonly #room: BodyRoom
  #needsTurn = false
  #decrypted = false
  #frameUnreadable = false
  #finished = false

  constructor(options: StreamReaderOptions) {
    this.#limits = { ...DEFAULT_STREAM_LIMITS, ...options.limits }
    this.#room = new BodyRoom(this.#limits.freeBytes)
    this.#encryption = options.encryption
    const header = labelHeader(options.label)
    this.#label = labelIn(header)
    const expected = options.dialled ? NONE : header
    this.#step = () => this.#readLabel(expected)
  }

  /** Member records left out of a push-pull, by reason; the others of that message are good. */
  get recordDrops(): ReadonlyMap<DropReason, number> {
    return this.#recordDrops
  }

  /** Memory that the unfinished message takes, member records left out; 0 once the reader is done. */
  get heldBytes(): number {
    return this.#finished ? 0 : this.#input.capacity + (this.#packed?.capacity ?? 0)
  }

  /** Why the last answer was `need-more`. */
  get waitsFor(): 'bytes' | 'room' | 'turn' {
    if (this.#room.isAsking) return 'room'
    return this.#needsTurn ? 'turn' : 'bytes'
  }

  /** Bytes that a compressed stream has been expanded to. */
  get inflatedBytes(): number {
    return this.#inflater?.inflatedBytes ?? 0
  }

  /** Bytes that the body takes for which it waits for room; 0 when it does not. */
  get roomWantedBytes(): number {
    return this.#room.wantedBytes
  }

  /** Whether a key of ours opened it. */
  get decrypted(): boolean {
    return this.#decrypted
  }

  /** Whether the drop was of the frame around the message, which memberlist peers are told; of other drops they are not. */
  get frameUnreadable(): boolean {
    return this.#frameUnreadable
  }

  /**
   * Never throws. The chunk is copied.
   *
   * @param turnBytes that a compressed stream may be expanded by now
   * @returns the message with the chunk that completes it, or a drop with the first that makes it impossible. After
   *   either the reader is done: further chunks are ignored and answered with `need-more`
   */
  push(chunk: Uint8Array, turnBytes: number = this.#limits.turnBytes): StreamProgress {
    if (this.#finished) return 'need-more'
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes > this.#limits.streamBytesMax) return this.#finish({ drop: 'too-large' })
    const source = this.#packed ?? this.#input
    source.push(plainBytes(chunk))
    return this.#run(turnBytes)
  }

  /** There is room for what it waits for. @param memory to use for it; a large message is then a view of that */
  grantRoom(memory?: Uint8Array): void {
    this.#room.grant(memory)
  }

  /** Goes on with what it has. @param turnBytes as for `push` */
  goOn(turnBytes: number = this.#limits.turnBytes): StreamProgress {
    return this.#finished ? 'need-more' : this.#run(turnBytes)
  }

  #run(turnBytes: number): StreamProgress {
    this.#needsTurn = false
    const turnEnd = this.inflatedBytes + turnBytes
    let step: Step = 'again'
    while (step === 'again') {
      step = this.#step()
      if (typeof step === 'object' && this.#inflater !== undefined) step = this.#keepUntilEnd(step)
      if (step === 'need-more' && !this.#room.isAsking) step = this.#inflateMore(turnEnd)
    }
    if (step === 'need-more') return step
    return this.#finish(typeof step === 'string' ? { drop: step } : step)
  }

  #finish(result: StreamProgress): StreamProgress {
    this.#finished = true
    this.#input = new ByteAccumulator()
    this.#packed = undefined
    return result
  }

  /** A compressed message is good only with the end of its frame. */
  #keepUntilEnd(message: StreamMessage): Step {
    if (this.#whole !== undefined) return message
    this.#whole = message
    // Some of it may have been expanded with the message, depending on how the bytes were cut.
    const endAt = this.inflatedBytes - this.#input.length
    // The message may be a view of the former one.
    this.#input = new ByteAccumulator()
    this.#step = () => {
      this.#input.consume(this.#input.length)
      if (this.inflatedBytes - endAt <= TRAILING_BYTES_MAX) return 'need-more'
      this.#frameUnreadable = true
      return 'too-large'
    }
    return 'again'
  }

  /** More bytes for the present layer, where those at hand do not suffice. */
  #inflateMore(turnEnd: number): Step {
    const inflater = this.#inflater
    // What was encrypted is there as a whole.
    if (this.#packed === undefined || inflater === undefined)
      return this.#decrypted ? 'truncated' : 'need-more'
    if (inflater.inflatedBytes >= turnEnd) {
      this.#needsTurn = true
      return 'need-more'
    }
    const outcome = inflater.read(this.#packed, this.#input)
    if (outcome === 'read') return 'again'
    if (outcome === 'ended') return this.#whole ?? 'truncated'
    if (outcome === 'need-more') return this.#decrypted ? 'truncated' : outcome
    this.#frameUnreadable = true
    return outcome
  }

  #readLabel(expected: Uint8Array): Step {
    const { bytes, start, end, length } = this.#input
    if (length === 0) return 'need-more'
    const labelBytes = matchLabel(bytes, start, end, expected)
    if (labelBytes === 'label-truncated') return 'need-more'
    if (typeof labelBytes === 'string') return labelBytes
    this.#input.consume(labelBytes)
    this.#step = () => this.#readType()
    return 'again'
  }

  #readType(): Step {
    const { bytes, start, length } = this.#input
    if (length === 0) return 'need-more'
    const type = bytes[start]
    if (!this.#decrypted && this.#inflater === undefined) {
      if (type === MessageType.encrypted) {
        this.#step = () => this.#readEncrypted()
        return 'again'
      }
      if (refusesPlaintext(this.#encryption)) {
        this.#frameUnreadable = true
        return 'plaintext-refused'
      }
    }
    // The packet codec wants the type byte, so it stays where it is for ping and ack.
    if (type === MessageType.ping || type === MessageType.ack) {
      const scanner = new ItemScanner()
      this.#step = () => this.#readSmall(scanner, 1, (from, to) => this.#decodePacketMessage(from, to))
      return 'again'
    }
    this.#input.consume(1)
    const scanner = new ItemScanner()
    if (type === MessageType.pushPull) {
      const reader = new PushPullReader(this.#limits, this.#room, (reason) => this.#countRecord(reason))
      this.#step = () => reader.advance(this.#input)
    } else if (type === MessageType.user)
      this.#step = () => this.#readSmall(scanner, 0, (from, to) => this.#decodeUserHeader(from, to))
    else if (type === MessageType.error)
      this.#step = () => this.#readSmall(scanner, 0, (from, to) => this.#decodeError(from, to))
    else if (type === MessageType.compressed && this.#inflater === undefined) {
      const { streamBytesMax, inflatedBytesMax } = this.#limits
      const inflater = new CompressedReader(streamBytesMax, inflatedBytesMax)
      this.#step = () => this.#readCompressedHead(inflater)
    } else return 'unknown-type'
    return 'again'
  }

  /** Waits for one msgpack item of bounded size, `skipBytes` behind the start, and decodes it. */
  #readSmall(scanner: ItemScanner, skipBytes: number, decode: (start: number, end: number) => Step): Step {
    const input = this.#input
    const scan = scanner.advance(input.bytes, input.start + skipBytes, input.end)
    // First, so that the reason does not depend on how much has come.
    if (scanner.length > this.#limits.itemBytesMax) return 'too-large'
    if (scan !== 'complete') return scan
    const step = decode(input.start, input.start + skipBytes + scanner.length)
    input.consume(skipBytes + scanner.length)
    return step
  }

  #decodePacketMessage(start: number, end: number): Step {
    const message = decodeMessage(this.#input.bytes, start, end)
    if (typeof message === 'string') return message
    return message.kind === 'ping' || message.kind === 'ack' ? message : 'unknown-type'
  }

  #decodeUserHeader(start: number, end: number): Step {
    const cursor = new MsgpackCursor(this.#input.bytes, start, end)
    const header = { length: 0 }
    readStruct(cursor, USER_LAYOUT, header)
    if (cursor.failure !== undefined) return cursor.failure
    if (header.length > this.#limits.userMessageBytesMax) return 'too-large'
    this.#step = () => this.#readUserPayload(header.length)
    return 'again'
  }

  #readUserPayload(payloadBytes: number): Step {
    if (!this.#room.has(payloadBytes)) return 'need-more'
    if (this.#input.length < payloadBytes) {
      this.#room.use(this.#input, payloadBytes)
      return 'need-more'
    }
    return { kind: 'user', payload: this.#input.take(payloadBytes) }
  }

  #decodeError(start: number, end: number): Step {
    const cursor = new MsgpackCursor(this.#input.bytes, start, end)
    const body = { error: new Uint8Array(0) as Uint8Array }
    readStruct(cursor, ERROR_LAYOUT, body)
    if (cursor.failure !== undefined) return cursor.failure
    return { kind: 'error', error: lossyText.decode(body.error.subarray(0, ERROR_TEXT_BYTES_MAX)) }
  }

  #readEncrypted(): Step {
    const { encryptedBytesMax } = this.#limits
    const plain = decryptStream(this.#input, this.#encryption, this.#label, encryptedBytesMax, this.#room)
    if (plain === 'need-more') return plain
    if (typeof plain === 'string') {
      this.#frameUnreadable = true
      return plain
    }
    this.#decrypted = true
    // Room is asked of those only who have shown us no key.
    this.#room.open()
    this.#input = new ByteAccumulator()
    this.#input.replace(plain)
    this.#step = () => this.#readType()
    return 'again'
  }

  /** What came behind the head is its packed bytes; what they expand to is the input from now on. */
  #readCompressedHead(inflater: CompressedReader): Step {
    const head = inflater.readHead(this.#input)
    if (head === 'need-more') return head
    if (head !== 'done') {
      this.#frameUnreadable = true
      return head
    }
    this.#packed = this.#input
    this.#input = new ByteAccumulator()
    this.#inflater = inflater
    this.#step = () => this.#readType()
    return 'again'
  }

  #countRecord(reason: DropReason): void {
    this.#recordDrops.set(reason, (this.#recordDrops.get(reason) ?? 0) + 1)
  }
}
