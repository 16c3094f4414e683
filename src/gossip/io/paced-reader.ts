/**
 * Reads the one message of a stream, no faster than there is room for it and time.
 *
 * A large body waits for room (stream-memory.ts), and what expands to much is expanded in slices, for which all readers
 * stand in one line (turns.ts). Meanwhile the stream is paused: what the other side goes on sending stays in the kernel, and then with
 * it. Nothing that arrives is kept here but what the message has come to so far.
 *
 * Numbers: a body asks for room from 16 KiB on; little more is expanded as it comes, and 256 KiB in a turn, which takes
 * about 2 ms.
 */
import { type StreamProgress, StreamReader, type StreamReaderOptions } from '../wire/stream.ts'
import { addressToText } from './endpoint-text.ts'
import type { Room, StreamMemory } from './stream-memory.ts'
import type { ReliableStream } from './transport.ts'
import type { Turns } from './turns.ts'

/** Bytes of a message that come without being asked about. */
export const FREE_BYTES: number = 16 * 1024
/** Expanded of a compressed stream in one turn of the event loop. */
export const TURN_BYTES: number = 256 * 1024

const MODEST = { freeBytes: FREE_BYTES }

export type ReadResult = Exclude<StreamProgress, 'need-more'>

export interface PacedReaderDeps {
  readonly memory: StreamMemory
  readonly turns: Turns
  readonly isMember: boolean
  /** Called at most once, never after `stop`. A message of more than 1 MiB may be a view of memory used again after `release`. */
  readonly read: (result: ReadResult, reader: StreamReader) => void
  /** Its room was taken away; the stream is to be closed. */
  readonly putOut: () => void
}

export class PacedReader {
  readonly #deps: PacedReaderDeps
  readonly #stream: ReliableStream
  readonly #reader: StreamReader
  #room: Room | undefined
  #state: 'reading' | 'waiting' | 'over' = 'reading'
  #receivedBytes = 0

  constructor(deps: PacedReaderDeps, stream: ReliableStream, options: StreamReaderOptions) {
    this.#deps = deps
    this.#stream = stream
    const { label, dialled = false, encryption, limits } = options
    const modest = limits === undefined ? MODEST : { ...limits, ...MODEST }
    // Not spread and added to: that leaves a shape in the old generation for each stream (Node 20).
    this.#reader = new StreamReader({ label, dialled, encryption, limits: modest })
  }

  /** Whether it is us who do not read on. */
  get isWaiting(): boolean {
    return this.#state === 'waiting'
  }

  /** Bytes of room that it waits for. */
  get roomWantedBytes(): number {
    return this.isWaiting && this.#room !== undefined ? this.#reader.roomWantedBytes : 0
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Bytes that came and were expanded. */
  get doneBytes(): number {
    return this.#receivedBytes + this.#reader.inflatedBytes
  }

  push(chunk: Uint8Array): void {
    this.#receivedBytes += chunk.length
    if (this.#state !== 'over') this.#take(this.#reader.push(chunk, this.isWaiting ? 0 : FREE_BYTES))
  }

  /** Reads no more. Its room stays booked until `release`. */
  stop(): void {
    this.#state = 'over'
  }

  /** To be called when the message is no longer needed, and when the stream has closed. */
  release(): void {
    this.stop()
    this.#room?.release()
  }

  #take(progress: StreamProgress): void {
    if (progress !== 'need-more') {
      this.stop()
      // It may have been paused.
      this.#stream.resume()
      this.#deps.read(progress, this.#reader)
      return
    }
    const { waitsFor } = this.#reader
    if (waitsFor === 'bytes' || this.#state !== 'reading') return
    this.#state = 'waiting'
    this.#stream.pause()
    if (waitsFor === 'turn') this.#deps.turns.next(() => this.#goOn(TURN_BYTES))
    else this.#book()
  }

  #book(): void {
    const { memory, isMember, putOut } = this.#deps
    const room: Room = memory.ask({
      bytes: this.#reader.roomWantedBytes,
      address: addressToText(this.#stream.remote.addr),
      isMember,
      doneBytes: () => this.doneBytes,
      granted: () => this.#granted(room),
      drop: putOut,
    })
    this.#room = room
    if (room.isGranted) this.#granted(room)
  }

  #granted({ memory }: Room): void {
    this.#reader.grantRoom(memory)
    this.#goOn(FREE_BYTES)
  }

  #goOn(turnBytes: number): void {
    if (this.#state !== 'waiting') return
    this.#state = 'reading'
    this.#stream.resume()
    this.#take(this.#reader.goOn(turnBytes))
  }
}
