/**
 * LZW as Go's compress/lzw reads it with LSB order and 8-bit literals (memberlist-wire.md section 2.2).
 *
 * A code stands for a string seen before: the previous code's string plus one byte. That string already lies in the
 * output, right where the previous code wrote it, so the table needs only a start and a length, and expanding a code
 * is a copy inside the output. The classic odd case (a code used in the very step that defines it) needs no special
 * path: the copy reads the byte that it has just written.
 *
 * Codes are 9 to 12 bits; 256 clears the table, 257 ends the data. Like Go, a missing end is an error, bytes behind it
 * are ignored, a leading clear is optional, and a full table stays as it is until cleared. 20 MB of text take 0.1 s.
 * The output grows with what is produced, never beyond `maxBytes`.
 */
const CLEAR = 256
const END = 257
const WIDTH_MIN = 9
const WIDTH_MAX = 12
/** From here on a block copy beats a loop: long runs decode three times as fast. */
const BLOCK_COPY_BYTES_MIN = 48

// Shared between calls: decoding is synchronous and never reads an entry that the same call has not written.
const starts = new Int32Array(1 << WIDTH_MAX)
const lengths = new Int32Array(1 << WIDTH_MAX)

/** @param maxBytes bound on the output; one byte more is `too-large` */
export function lzwDecode(input: Uint8Array, maxBytes: number): Uint8Array | 'lzw-malformed' | 'too-large' {
  let output = new Uint8Array(Math.min(maxBytes, Math.max(512, input.length * 4)))
  let written = 0
  let position = 0
  let bits = 0
  let bitCount = 0
  let width = WIDTH_MIN
  /** The code that this step defines. */
  let next = END
  let previousStart = 0
  /** 0 when this step defines none: after a clear, and with a full table. */
  let previousLength = 0

  for (;;) {
    while (bitCount < width) {
      if (position >= input.length) return 'lzw-malformed'
      bits |= (input[position++] as number) << bitCount
      bitCount += 8
    }
    const code = bits & ((1 << width) - 1)
    bits >>>= width
    bitCount -= width

    if (code === END) return output.subarray(0, written)
    if (code === CLEAR) {
      width = WIDTH_MIN
      next = END
      previousLength = 0
      continue
    }
    if (code > next) return 'lzw-malformed'
    if (previousLength > 0) {
      starts[next] = previousStart
      lengths[next] = previousLength + 1
    }
    const length = code < CLEAR ? 1 : (lengths[code] as number)
    if (written + length > output.length) {
      if (written + length > maxBytes) return 'too-large'
      output = enlarged(output, Math.min(maxBytes, Math.max(written + length, output.length * 2)))
    }
    if (code < CLEAR) output[written] = code
    else copyForward(output, starts[code] as number, written, length)
    previousStart = written
    previousLength = length
    written += length

    next++
    if (next < 1 << width) continue
    if (width < WIDTH_MAX) width++
    else {
      next--
      previousLength = 0
    }
  }
}

/** As if byte by byte in rising order: source and target may overlap by one byte, the last of one, first of the other. */
function copyForward(bytes: Uint8Array, from: number, to: number, length: number): void {
  if (length >= BLOCK_COPY_BYTES_MIN) {
    bytes.copyWithin(to, from, from + length)
    bytes[to + length - 1] = bytes[from + length - 1] as number
    return
  }
  for (let i = 0; i < length; i++) bytes[to + i] = bytes[from + i] as number
}

function enlarged(bytes: Uint8Array, capacity: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(capacity)
  larger.set(bytes)
  return larger
}
