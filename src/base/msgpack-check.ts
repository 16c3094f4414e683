/**
 * Whether bytes are one sound MessagePack value, before anything is built from them.
 *
 * Bytes of a value come from whoever may write. A header of five bytes can announce an array of 2^32 items, and a decoder
 * that believes it reserves memory for them; extensions can announce regular expressions, errors or cycles. So the
 * bytes are walked first, at a few ns each, without building anything: all that is announced must be there, nesting is
 * bounded, and of the extensions only timestamps and the `undefined` of msgpackr pass.
 *
 * Not looked at: whether strings are UTF-8, and whether keys are strings.
 */

/** `nil`, booleans, numbers: bytes after the head. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
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
])
/** Strings and binary: bytes of the length after the head. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
])
const EXT_UNDEFINED = 0
const EXT_TIMESTAMP = 0xff

/**
 * @param depthMax containers within containers
 * @returns what is wrong, for a person; undefined when the value is sound and nothing follows it
 */
export function msgpackFault(bytes: Uint8Array, depthMax: number): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  /** Items still due at each level; the value itself is the first. */
  const due = [1]
  let at = 0
  while (due.length > 0) {
    const level = due.length - 1
    const left = due[level] as number
    if (left === 0) {
      due.pop()
      continue
    }
    due[level] = left - 1
    if (at >= bytes.length) return 'it ends early'
    const head = bytes[at++] as number
    if (head <= 0x7f || head >= 0xe0) continue
    const items = containerItems(head, view, at)
    if (items !== undefined) {
      at += containerHeader(head)
      if (at > bytes.length) return 'it ends early'
      if (due.length > depthMax) return `it is nested deeper than ${depthMax}`
      due.push(items)
      continue
    }
    const end = scalarEnd(head, view, at)
    if (end === undefined) return `it holds a type that no value has: 0x${head.toString(16)}`
    if (end > bytes.length) return 'it ends early'
    at = end
  }
  return at === bytes.length ? undefined : 'something follows it'
}

/** Items of an array or map whose head was just read; undefined for anything else. */
function containerItems(head: number, view: DataView, at: number): number | undefined {
  if (head <= 0x8f) return (head & 15) * 2
  if (head <= 0x9f) return head & 15
  if (head < 0xdc) return undefined
  const perEntry = head >= 0xde ? 2 : 1
  const width = containerHeader(head)
  if (at + width > view.byteLength) return Number.POSITIVE_INFINITY
  return perEntry * (width === 2 ? view.getUint16(at) : view.getUint32(at))
}

/** Bytes of the count after the head of an array or map. */
function containerHeader(head: number): number {
  if (head < 0xdc) return 0
  return head === 0xdc || head === 0xde ? 2 : 4
}

/** Where the string, binary, number or extension ends; undefined when there is no such type. May lie beyond the bytes. */
function scalarEnd(head: number, view: DataView, at: number): number | undefined {
  if (head <= 0xbf) return at + (head & 31)
  const fixed = FIXED.get(head)
  if (fixed !== undefined) return at + fixed
  const width = LENGTHS.get(head)
  if (width === undefined) return extensionEnd(head, view, at)
  if (at + width > view.byteLength) return Number.POSITIVE_INFINITY
  const length = width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at) : view.getUint32(at)
  return at + width + length
}

/** `undefined` is one byte of type 0; a timestamp is 4, 8 or 12 bytes of type -1. */
function extensionEnd(head: number, view: DataView, at: number): number | undefined {
  if (at + 2 > view.byteLength) return Number.POSITIVE_INFINITY
  const [first, second] = [view.getUint8(at), view.getUint8(at + 1)]
  if (head === 0xd4 && first === EXT_UNDEFINED) return at + 2
  if (head === 0xd6 && first === EXT_TIMESTAMP) return at + 5
  if (head === 0xd7 && first === EXT_TIMESTAMP) return at + 9
  return head === 0xc7 && first === 12 && second === EXT_TIMESTAMP ? at + 14 : undefined
}
