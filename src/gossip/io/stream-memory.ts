/**
 * Room for large bodies: who may take in or send many bytes just now, and who waits.
 *
 * Like a lift with a notice of how much it carries: small luggage goes by hand and is never asked about, a piano books
 * the lift and whoever does not fit waits in front of it. Each body says how long it is before it comes, so its room is
 * booked as a whole or not at all, and nobody waits half loaded for another who waits half loaded. Whoever waits is not
 * read from: its bytes stay in the kernel and, when that is full, with the sender.
 *
 * Nobody holds the lift door. While others wait, a body has to get on by a part of itself every second, so that it would
 * be done in the time that streams have; one that does not is put out. Members go before strangers, and a stranger's
 * booking ends when a member needs its place; then those go first whose address has least booked, then those whose address
 * got room longest ago, then in order. So a host that asks a hundred times and uses nothing costs another one turn.
 *
 * Numbers: 21 MiB for what comes, which is memberlist's 20 MiB of user state and the list of 700 members beside it, and
 * 8 MiB for answers of ours. A body that needs more than all of it books all of it: then it goes alone.
 */
import { assert } from '../../base/assert.ts'
import type { Clock } from '../../base/clock.ts'
import type { Alarm, Alarms } from './alarms.ts'
import type { Arena } from './arena.ts'

/** How often the bookings are looked at while somebody waits. */
const REVIEW_EVERY_MS = 250
/** A body has to get on by its part in so much time. */
const WINDOW_MS = 1000
/** Addresses of which it is known when they last got room; the longest ago are forgotten first. */
const GRANTS_REMEMBERED = 1024
/** Without any booking, after which the memory to lend is let go. */
const IDLE_MS = 10_000

export interface RoomRequest {
  readonly bytes: number
  /** Whose bookings are counted together. */
  readonly address: string
  /** A member's address: goes first. */
  readonly isMember: boolean
  /** Bytes that have come or gone so far. */
  readonly doneBytes: () => number
  /** Told in a later turn than the request, unless it was granted at once. */
  readonly granted: () => void
  /** The booking has ended before its time: the stream is to be closed. Called at most once, never after `release`. */
  readonly drop: () => void
}

export interface Room {
  readonly isGranted: boolean
  /** Memory to use, when there is an arena and the room is granted; not after `release`. */
  readonly memory: Uint8Array | undefined
  /**
   * Books so many bytes instead, once it is known how many there are; only where there is no arena.
   * @returns false when it is not granted, or there is no room for so many: then it stays as it was
   */
  resize(bytes: number): boolean
  /** Of a booking or of a place in the queue; idempotent. */
  release(): void
}

export interface StreamMemoryOptions {
  readonly bytesMax: number
  /** In which a body has to be done, to be granted more while others wait. */
  readonly timeoutMs: number
  /** Of `bytesMax`, to lend memory from; default none: callers bring their own. */
  readonly arena?: Arena
}

interface Booking {
  readonly request: RoomRequest
  /** Of the body, even if that is more than all there is. */
  bodyBytes: number
  bytes: number
  state: 'waiting' | 'granted' | 'over'
  memory: Uint8Array | undefined
  windowStartMs: number
  windowDoneBytes: number
}

export class StreamMemory {
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #options: StreamMemoryOptions
  readonly #granted = new Set<Booking>()
  readonly #waiting = new Set<Booking>()
  /** Which grant was the last of an address, the latest at the end. */
  readonly #lastGrants = new Map<string, number>()
  #grants = 0
  #bytes = 0
  #review: Alarm | undefined
  #tidy: Alarm | undefined

  constructor(clock: Clock, alarms: Alarms, options: StreamMemoryOptions) {
    this.#clock = clock
    this.#alarms = alarms
    this.#options = options
  }

  /** Booked now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bodies that wait for room. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Books at once if nobody waits before it; otherwise `granted` tells when. */
  ask(request: RoomRequest): Room {
    const booking: Booking = {
      request,
      bodyBytes: request.bytes,
      bytes: Math.min(request.bytes, this.#options.bytesMax),
      state: 'waiting',
      memory: undefined,
      windowStartMs: 0,
      windowDoneBytes: 0,
    }
    this.#waiting.add(booking)
    this.#serve(booking)
    if (this.#waiting.size > 0) this.#reviewLater()
    return {
      get isGranted() {
        return booking.state === 'granted'
      },
      get memory() {
        return booking.memory
      },
      resize: (bytes) => this.#resize(booking, bytes),
      release: () => this.#release(booking),
    }
  }

  #resize(booking: Booking, wanted: number): boolean {
    assert(this.#options.arena === undefined, 'what was lent has its length')
    if (booking.state !== 'granted') return false
    const bytes = Math.min(wanted, this.#options.bytesMax)
    const more = bytes - booking.bytes
    if (this.#bytes + more > this.#options.bytesMax && !this.#makeRoom(booking.request, more)) return false
    booking.bodyBytes = wanted
    booking.bytes = bytes
    this.#bytes += more
    if (more < 0) this.#serve()
    return true
  }

  #release(booking: Booking): void {
    const isOver = booking.state === 'over'
    if (!isOver) this.#end(booking)
    this.#free(booking)
    // Whoever ended it before serves the others.
    if (!isOver) this.#serve()
    if (this.#granted.size === 0 && this.#options.arena !== undefined) this.#tidyLater()
  }

  #tidyLater(): void {
    this.#tidy?.cancel()
    this.#tidy = this.#alarms.at(this.#clock.monotonicMs() + IDLE_MS, () => {
      if (this.#granted.size === 0) this.#options.arena?.tidy()
    })
  }

  #end(booking: Booking): void {
    booking.state = 'over'
    this.#waiting.delete(booking)
    if (this.#granted.delete(booking)) this.#bytes -= booking.bytes
  }

  #free(booking: Booking): void {
    if (booking.memory !== undefined) this.#options.arena?.giveBack(booking.memory)
    booking.memory = undefined
  }

  /** @param asking is not told, since it will see for itself */
  #serve(asking?: Booking): void {
    for (let first = this.#first(); first !== undefined; first = this.#first()) {
      if (!this.#fits(first) && !this.#makeRoom(first.request, first.bytes, () => this.#fits(first))) return
      this.#waiting.delete(first)
      this.#granted.add(first)
      first.state = 'granted'
      this.#bytes += first.bytes
      this.#rememberGrant(first.request.address)
      this.#restartWindow(first)
      if (first !== asking) first.request.granted()
    }
  }

  #fits(booking: Booking): boolean {
    const { bytesMax, arena } = this.#options
    if (this.#bytes + booking.bytes > bytesMax) return false
    booking.memory = arena?.borrow(booking.bytes)
    return arena === undefined || booking.memory !== undefined
  }

  /** Whose turn it is. */
  #first(): Booking | undefined {
    let first: Booking | undefined
    for (const booking of this.#waiting) {
      if (first === undefined || this.#goesBefore(booking.request, first.request)) first = booking
    }
    return first
  }

  #goesBefore(one: RoomRequest, other: RoomRequest): boolean {
    if (one.isMember !== other.isMember) return one.isMember
    if (one.address === other.address) return false
    const bytes = this.#bookedBy(one.address) - this.#bookedBy(other.address)
    return bytes < 0 || (bytes === 0 && this.#lastGrant(one.address) < this.#lastGrant(other.address))
  }

  #lastGrant(address: string): number {
    return this.#lastGrants.get(address) ?? 0
  }

  #rememberGrant(address: string): void {
    this.#lastGrants.delete(address)
    this.#lastGrants.set(address, ++this.#grants)
    if (this.#lastGrants.size <= GRANTS_REMEMBERED) return
    const [oldest] = this.#lastGrants.keys()
    if (oldest !== undefined) this.#lastGrants.delete(oldest)
  }

  #bookedBy(address: string): number {
    let bytes = 0
    for (const booking of this.#granted) if (booking.request.address === address) bytes += booking.bytes
    return bytes
  }

  /**
   * For a member, at the cost of strangers, the largest first: until there is a gap of that length, which may take more
   * of them than the sum of bytes does.
   */
  #makeRoom(
    { isMember }: RoomRequest,
    bytes: number,
    fits: () => boolean = () => this.#bytes + bytes <= this.#options.bytesMax,
  ): boolean {
    if (!isMember) return false
    const strangers = [...this.#granted].filter(({ request }) => !request.isMember)
    const strangersBytes = strangers.reduce((sum, stranger) => sum + stranger.bytes, 0)
    // They would go in vain.
    if (this.#bytes - strangersBytes + bytes > this.#options.bytesMax) return false
    strangers.sort((a, b) => b.bytes - a.bytes)
    return strangers.some((stranger) => {
      this.#drop(stranger)
      return fits()
    })
  }

  /** Nobody writes to its memory after `drop`. */
  #drop(booking: Booking): void {
    this.#end(booking)
    booking.request.drop()
    this.#free(booking)
  }

  #reviewLater(): void {
    if (this.#review !== undefined) return
    for (const booking of this.#granted) this.#restartWindow(booking)
    this.#scheduleReview()
  }

  #scheduleReview(): void {
    this.#review = this.#alarms.at(this.#clock.monotonicMs() + REVIEW_EVERY_MS, () => {
      this.#review = undefined
      for (const booking of [...this.#granted]) if (this.#isTooSlow(booking)) this.#drop(booking)
      this.#serve()
      if (this.#waiting.size > 0) this.#scheduleReview()
    })
  }

  #restartWindow(booking: Booking): void {
    booking.windowStartMs = this.#clock.monotonicMs()
    booking.windowDoneBytes = booking.request.doneBytes()
  }

  #isTooSlow(booking: Booking): boolean {
    const elapsedMs = this.#clock.monotonicMs() - booking.windowStartMs
    if (elapsedMs < WINDOW_MS) return false
    const gained = booking.request.doneBytes() - booking.windowDoneBytes
    const due = (booking.bodyBytes * elapsedMs) / this.#options.timeoutMs
    this.#restartWindow(booking)
    return gained < due
  }
}
