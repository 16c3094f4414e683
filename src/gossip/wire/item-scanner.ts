/**
 * Finds where one msgpack item ends, without decoding it and without needing all of it at once.
 *
 * Picture a stack of trays: each container adds as many trays as it has children, each item takes one off, and the
 * item is over when none is left. Only the height of the stack matters, so one number replaces it: depth costs neither
 * memory nor recursion, and an array that announces 2^32-1 children costs nothing until they arrive.
 *
 * Resumable: a scan that ran out of bytes goes on where it stopped, so a peer that sends byte by byte costs no more
 * than one that sends all at once. Positions are relative to the start of the item.
 */

/** Heads of at most 6 bytes: type, 4 bytes of length, the type byte of an extension. */
const HEAD_PAYLOAD_BYTES: ReadonlyMap<number, number> = new Map([
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
  [0xd4, 2],
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
])

export class ItemScanner {
  /** Bytes of the item passed so far; its whole length once complete, and beyond the input while a payload is due. */
  length = 0
  #pending = 1

  /**
   * @param bytes holds the item from `start`, available up to `end`; on later calls the same bytes or more of them
   * @returns `need-more` until the whole item is there
   */
  advance(bytes: Uint8Array, start: number, end: number): 'complete' | 'need-more' | 'msgpack-malformed' {
    while (this.#pending > 0) {
      const position = start + this.length
      if (position >= end) return 'need-more'
      const head = bytes[position] as number
      if (head <= 0x7f || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) this.#take(1, 0)
      else if (head <= 0x8f) this.#take(1, (head & 15) * 2)
      else if (head <= 0x9f) this.#take(1, head & 15)
      else if (head <= 0xbf) this.#take(1 + (head & 31), 0)
      else {
        const problem = this.#long(head, bytes, position, end)
        if (problem !== undefined) return problem
      }
    }
    return start + this.length <= end ? 'complete' : 'need-more'
  }

  #take(bytes: number, children: number): void {
    this.length += bytes
    this.#pending += children - 1
  }

  /** Heads that fix their size, and those followed by a length of 1, 2 or 4 bytes. */
  #long(
    head: number,
    bytes: Uint8Array,
    position: number,
    end: number,
  ): 'need-more' | 'msgpack-malformed' | undefined {
    const fixed = HEAD_PAYLOAD_BYTES.get(head)
    if (fixed !== undefined) {
      this.#take(1 + fixed, 0)
      return undefined
    }
    const width = lengthWidth(head)
    if (width === 0) return 'msgpack-malformed'
    if (position + 1 + width > end) return 'need-more'
    let count = 0
    for (let i = 1; i <= width; i++) count = count * 256 + (bytes[position + i] as number)
    if (head >= 0xde) this.#take(1 + width, count * 2)
    else if (head >= 0xdc) this.#take(1 + width, count)
    else this.#take(1 + width + count + (head >= 0xc7 && head <= 0xc9 ? 1 : 0), 0)
    return undefined
  }
}

/** Bytes of the length that follows this head; 0 for the one head msgpack never uses. */
function lengthWidth(head: number): number {
  switch (head) {
    case 0xc4:
    case 0xc7:
    case 0xd9:
      return 1
    case 0xc5:
    case 0xc8:
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2
    case 0xc6:
    case 0xc9:
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return 4
    default:
      return 0
  }
}
