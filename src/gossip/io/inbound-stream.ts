/**
 * One incoming stream: its request is read as it comes (paced-reader.ts), answered with its last byte, and then it ends.
 *
 * Three clocks watch it: a deadline from the accept, renewed once before the answer; a shorter one that is renewed by
 * progress, so that whoever says or takes nothing is gone in half the time; and `stalledSinceMs`, by which the server
 * chooses when all places are taken. A large answer waits for room like a large request, and is not even made before:
 * room is asked for as many bytes as answers had of late. Once it is made, it is booked as what it is; one for which
 * there is no room is not sent, and its stream is closed.
 *
 * Numbers: an answer needs room from 64 KiB on; progress is a kilobyte.
 */
import type { Clock } from '../../base/clock.ts'
import type { StreamMessage } from '../core/messages.ts'
import { readsBlocks } from '../wire/encryption.ts'
import { encodeStream, type StreamReader } from '../wire/stream.ts'
import type { Alarm, Alarms } from './alarms.ts'
import type { AnswerSize } from './answer-size.ts'
import type { Counters } from './counters.ts'
import { addressToText } from './endpoint-text.ts'
import type { Framing } from './framing.ts'
import { PacedReader, type ReadResult } from './paced-reader.ts'
import { complaintAbout } from './stream-complaint.ts'
import type { Room, StreamMemory } from './stream-memory.ts'
import type { StreamRequests } from './stream-server.ts'
import type { ReliableStream, StreamListener } from './transport.ts'
import type { Turns } from './turns.ts'

const FREE_ANSWER_BYTES = 64 * 1024
const PROGRESS_BYTES = 1024
/** Read behind the request; a peer that says more waits for our close. */
const FORGOTTEN_BYTES_MAX = 256 * 1024

export interface InboundStreamDeps {
  readonly clock: Clock
  readonly alarms: Alarms
  readonly counters: Counters
  readonly framing: Framing
  readonly tcpTimeoutMs: number
  readonly turns: Turns
  /** For what comes. */
  readonly memory: StreamMemory
  /** For what we answer. */
  readonly answerMemory: StreamMemory
  readonly requests: StreamRequests
  /** Of push-pulls; shared by all streams. */
  readonly answerSize: AnswerSize
}

export class InboundStream implements StreamListener {
  readonly isMember: boolean
  readonly #deps: InboundStreamDeps
  readonly #stream: ReliableStream
  readonly #released: () => void
  readonly #reader: PacedReader
  #answerRoom: Room | undefined
  #deadline: Alarm
  #idle: Alarm
  #phase: 'reading' | 'waiting' | 'answering' | 'over' = 'reading'
  #answerBytes = 0
  /** Of room for the answer. */
  #askedBytes = 0
  #forgottenBytes = 0
  #progressBytes = 0
  #progressAtMs: number

  /**
   * @param isMember whether its address is that of a member
   * @param released called once, when it has closed
   */
  constructor(deps: InboundStreamDeps, stream: ReliableStream, isMember: boolean, released: () => void) {
    this.#deps = deps
    this.#stream = stream
    this.isMember = isMember
    this.#released = released
    this.#reader = new PacedReader(
      {
        memory: deps.memory,
        turns: deps.turns,
        isMember,
        read: (result, reader) => this.#read(result, reader),
        putOut: () => this.putOut('stream-too-slow'),
      },
      stream,
      { label: deps.framing.label, encryption: deps.framing.encryption },
    )
    this.#progressAtMs = deps.clock.monotonicMs()
    this.#deadline = this.#closeAfter(deps.tcpTimeoutMs)
    this.#idle = this.#watchIdle()
  }

  /** When it last got on; undefined while it is us who keep it waiting. */
  get stalledSinceMs(): number | undefined {
    this.#noteProgress()
    return this.#phase === 'waiting' || this.#reader.isWaiting ? undefined : this.#progressAtMs
  }

  /** Bytes of room that its request waits for. */
  get roomWantedBytes(): number {
    return this.#reader.roomWantedBytes
  }

  /** Closes it for the sake of others. */
  putOut(reason: 'stream-too-slow' | 'stream-displaced'): void {
    if (this.#phase === 'over') return
    this.#deps.counters.drop(reason, this.#stream.remote)
    this.#phase = 'over'
    this.#reader.stop()
    this.#stream.destroy()
  }

  /** After the request some more is read and forgotten: unread bytes would turn our close into a reset. */
  data(chunk: Uint8Array): void {
    this.#deps.counters.streams.add('received-bytes', chunk.length)
    if (this.#phase === 'answering') {
      this.#forgottenBytes += chunk.length
      if (this.#forgottenBytes > FORGOTTEN_BYTES_MAX) this.#stream.pause()
    }
    this.#reader.push(chunk)
  }

  closed(): void {
    const { counters } = this.#deps
    if (this.#phase === 'reading' && this.#reader.receivedBytes > 0) {
      counters.drop('stream-cut-off', this.#stream.remote)
    }
    if (this.#reader.receivedBytes === 0) counters.streams.add('silent')
    this.#phase = 'over'
    this.#deadline.cancel()
    this.#idle.cancel()
    this.#reader.release()
    this.#answerRoom?.release()
    this.#released()
  }

  #read(result: ReadResult, reader: StreamReader): void {
    const { counters, framing, answerSize } = this.#deps
    const from = this.#stream.remote
    if ('drop' in result) {
      this.#phase = 'answering'
      counters.drop(result.drop, from)
      if (reader.frameUnreadable || reader.decrypted) {
        this.#answer({ kind: 'error', error: complaintAbout(result.drop, reader.decrypted) })
        this.#stream.end()
      } else this.#stream.destroy()
      return
    }
    counters.countReceived(result)
    if (!reader.decrypted && readsBlocks(framing.encryption)) counters.streams.add('plaintext')
    for (const [reason, count] of reader.recordDrops) counters.drop(reason, from, count)
    const { expectedBytes } = answerSize
    if (result.kind === 'push-pull' && expectedBytes > FREE_ANSWER_BYTES)
      this.#serveLater(result, expectedBytes)
    else this.#serve(result)
  }

  /** Once there is room for an answer as long as they were of late. */
  #serveLater(message: StreamMessage, bytes: number): void {
    this.#phase = 'waiting'
    const serve = (): void => {
      if (this.#phase === 'waiting') this.#serve(message)
    }
    if (this.#askRoom(bytes, serve).isGranted) serve()
  }

  #askRoom(bytes: number, granted: () => void): Room {
    const room = this.#deps.answerMemory.ask({
      bytes,
      address: addressToText(this.#stream.remote.addr),
      isMember: this.isMember,
      doneBytes: () => this.#doneBytes,
      granted,
      drop: () => this.putOut('stream-too-slow'),
    })
    this.#answerRoom = room
    this.#askedBytes = bytes
    return room
  }

  #serve(message: StreamMessage): void {
    this.#phase = 'answering'
    this.#deps.requests.request(message, this.#stream.remote, (answer) => this.#answer(answer))
    this.#reader.release()
    this.#stream.end()
    // Only now, since others may be answered with what is left over.
    if (this.#answerBytes > FREE_ANSWER_BYTES) this.#answerRoom?.resize(this.#answerBytes)
    else this.#answerRoom?.release()
  }

  /** Room for an answer that is made, of whatever length it was thought to be. */
  #hasRoomFor(bytes: number): boolean {
    if (bytes <= FREE_ANSWER_BYTES) return true
    if (this.#answerRoom !== undefined) return bytes <= this.#askedBytes || this.#answerRoom.resize(bytes)
    const room = this.#askRoom(bytes, () => undefined)
    if (room.isGranted) return true
    room.release()
    return false
  }

  /** Only the side that dialled writes a label; answers carry none. */
  #answer(message: StreamMessage): void {
    const { counters, framing, tcpTimeoutMs } = this.#deps
    this.#deadline.cancel()
    this.#deadline = this.#closeAfter(tcpTimeoutMs)
    const { label, compress, encryption } = framing
    const bytes = encodeStream(message, { label, compress, encryption, dialled: false })
    if (message.kind === 'push-pull') this.#deps.answerSize.note(bytes.length)
    if (!this.#hasRoomFor(bytes.length)) {
      counters.drop('answer-without-room', this.#stream.remote)
      this.#stream.destroy()
      return
    }
    this.#answerBytes = bytes.length
    counters.countSent(message)
    counters.streams.add('sent-bytes', bytes.length)
    this.#stream.send(bytes)
  }

  /** Bytes that came, were expanded and went. */
  get #doneBytes(): number {
    return this.#reader.doneBytes + this.#answerBytes - this.#stream.unsentBytes
  }

  #noteProgress(): void {
    const bytes = this.#doneBytes
    if (bytes - this.#progressBytes < PROGRESS_BYTES) return
    this.#progressBytes = bytes
    this.#progressAtMs = this.#deps.clock.monotonicMs()
  }

  #closeAfter(timeoutMs: number): Alarm {
    const { alarms, clock, counters } = this.#deps
    return alarms.at(clock.monotonicMs() + timeoutMs, () => {
      counters.streams.add('timed-out')
      this.#stream.destroy()
    })
  }

  #watchIdle(): Alarm {
    const { alarms, clock, counters, tcpTimeoutMs } = this.#deps
    const idleMs = tcpTimeoutMs / 2
    return alarms.at(this.#progressAtMs + idleMs, () => {
      const sinceMs = this.stalledSinceMs
      if (sinceMs === undefined) this.#progressAtMs = clock.monotonicMs()
      else if (clock.monotonicMs() - sinceMs >= idleMs) {
        counters.streams.add('stalled')
        this.#stream.destroy()
        return
      }
      this.#idle = this.#watchIdle()
    })
  }
}
