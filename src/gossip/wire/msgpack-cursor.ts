/**
 * Reads msgpack values with Go's leniency: any integer width, signed or not, if the value fits; strings and bytes in
 * any of their forms; nil as zero; 0 and 1 as booleans (memberlist-wire.md section 3).
 *
 * Failure is sticky instead of thrown: the first problem is kept in `failure`, every later read returns a zero value,
 * and the caller looks once at the end. Garbage from the network is an everyday event, and this keeps it cheap.
 *
 * Not accepted although Go does: an array of small integers where bytes are due; no peer sends that.
 */
import type { DropReason } from './drop-reason.ts'
import { ItemScanner } from './item-scanner.ts'

const EMPTY = new Uint8Array(0)
const NIL = 0xc0

export interface StructHead {
  readonly count: number
  /** An array: values in the order of the struct's fields, without keys. */
  readonly positional: boolean
}

export class MsgpackCursor {
  readonly bytes: Uint8Array
  readonly end: number
  position: number
  failure: DropReason | undefined = undefined

  /** @param bytes a plain Uint8Array, of which [position, end) is read */
  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  /** Keeps the first reason only. */
  fail(reason: DropReason): void {
    this.failure ??= reason
  }

  #unsigned(width: number): number {
    if (this.failure !== undefined) return 0
    if (this.position + width > this.end) {
      this.fail('truncated')
      return 0
    }
    let value = 0
    for (let i = 0; i < width; i++) value = value * 256 + (this.bytes[this.position++] as number)
    return value
  }

  #signed(width: number): number {
    const value = this.#unsigned(width)
    if (value < 2 ** (8 * width - 1)) return value
    this.fail('field-range')
    return 0
  }

  /** A non-negative integer up to `max`, at most 2^53 - 1. */
  uint(max: number): number {
    const value = this.#integer()
    if (value <= max) return value
    this.fail('field-range')
    return 0
  }

  #integer(): number {
    const head = this.#unsigned(1)
    if (head <= 0x7f) return head
    switch (head) {
      case NIL:
        return 0
      case 0xcc:
        return this.#unsigned(1)
      case 0xcd:
        return this.#unsigned(2)
      case 0xce:
        return this.#unsigned(4)
      case 0xcf:
        return this.#unsigned(8)
      case 0xd0:
        return this.#signed(1)
      case 0xd1:
        return this.#signed(2)
      case 0xd2:
        return this.#signed(4)
      case 0xd3:
        return this.#signed(8)
      default:
        this.fail(head >= 0xe0 ? 'field-range' : 'field-type')
        return 0
    }
  }

  bool(): boolean {
    const head = this.#unsigned(1)
    if (head === 0xc3 || head === 1) return true
    if (head !== 0xc2 && head !== 0 && head !== NIL) this.fail('field-type')
    return false
  }

  /** A view of a string or bytes value; nil gives none. */
  raw(): Uint8Array {
    const length = this.rawHead()
    if (this.failure !== undefined || length === 0) return EMPTY
    const start = this.position
    this.position += length
    return this.bytes.subarray(start, this.position)
  }

  /** A copy, which does not keep the whole packet alive. */
  rawCopy(): Uint8Array {
    const length = this.rawHead()
    if (this.failure !== undefined || length === 0) return EMPTY
    const start = this.position
    this.position += length
    return this.bytes.slice(start, this.position)
  }

  /** Length of the string or bytes that start at `position` on return; checked to be there. */
  rawHead(): number {
    const length = this.rawLength()
    if (length <= this.end - this.position) return length
    this.fail('truncated')
    return 0
  }

  /** As announced: they need not be there. */
  rawLength(): number {
    const head = this.#unsigned(1)
    let length = 0
    if (head >= 0xa0 && head <= 0xbf) length = head & 31
    else if (head === 0xd9 || head === 0xc4) length = this.#unsigned(1)
    else if (head === 0xda || head === 0xc5) length = this.#unsigned(2)
    else if (head === 0xdb || head === 0xc6) length = this.#unsigned(4)
    else if (head !== NIL) this.fail('field-type')
    return length
  }

  /** A map, an array, or nil for a struct of zero values. */
  structHead(): StructHead {
    const head = this.#unsigned(1)
    if (head >= 0x80 && head <= 0x8f) return { count: head & 15, positional: false }
    if (head >= 0x90 && head <= 0x9f) return { count: head & 15, positional: true }
    if (head === 0xde || head === 0xdf)
      return { count: this.#unsigned(head === 0xde ? 2 : 4), positional: false }
    if (head === 0xdc || head === 0xdd)
      return { count: this.#unsigned(head === 0xdc ? 2 : 4), positional: true }
    if (head !== NIL) this.fail(head === 0xc1 ? 'msgpack-malformed' : 'field-type')
    return { count: 0, positional: false }
  }

  /** Passes over one value of any type and depth. */
  skip(): void {
    if (this.failure !== undefined) return
    const scanner = new ItemScanner()
    const outcome = scanner.advance(this.bytes, this.position, this.end)
    if (outcome === 'complete') this.position += scanner.length
    else this.fail(outcome === 'need-more' ? 'truncated' : outcome)
  }
}
