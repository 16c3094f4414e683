/**
 * LZW of GIF without early change, done the plain way: a table of lists to decode, and no compression at all to encode
 * (every byte a code of its own, a clear before codes get wider). Slow, and nothing in common with src/gossip/wire.
 */

const CLEAR = 256
const END = 257
const LITERALS_BETWEEN_CLEARS = 250
/** The table has room for 3,838 codes. */
const RUNS_BETWEEN_CLEARS = 3800

export function lzwLiterals(plain: Uint8Array): Buffer {
  const codes: number[] = []
  plain.forEach((byte, index) => {
    if (index % LITERALS_BETWEEN_CLEARS === 0) codes.push(CLEAR)
    codes.push(byte)
  })
  if (codes.length === 0) codes.push(CLEAR)
  codes.push(END)
  return pack(codes.map((code) => [code, 9]))
}

/** `head` and so many zero bytes: each code stands for a run one longer than the last, so that little becomes much. */
export function lzwZeros(head: Uint8Array, zeros: number): Buffer {
  const codes: [code: number, width: number][] = [[CLEAR, 9]]
  for (const byte of head) codes.push([byte, 9])
  let left = zeros
  let width = 9
  while (left > 0) {
    codes.push([CLEAR, width])
    width = 9
    for (let run = 1; left > 0 && run <= RUNS_BETWEEN_CLEARS; run++) {
      const length = Math.min(run, left)
      codes.push([length === 1 ? 0 : END - 1 + length, width])
      left -= length
      // After n codes the next one to be assigned is 257 + n.
      width = 32 - Math.clz32(END + run)
    }
  }
  codes.push([END, width])
  return pack(codes)
}

function pack(codes: readonly (readonly [code: number, width: number])[]): Buffer {
  const bits = codes.reduce((sum, [, width]) => sum + width, 0)
  const bytes = Buffer.alloc(Math.ceil(bits / 8))
  let at = 0
  for (const [code, width] of codes) {
    for (let bit = 0; bit < width; bit++, at++) {
      if ((code >> bit) & 1) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7))
    }
  }
  return bytes
}

export function lzwDecode(packed: Uint8Array): Buffer {
  const plain: number[] = []
  let table: (readonly number[])[] = []
  let width = 9
  let previous: readonly number[] | undefined
  let at = 0
  const reset = (): void => {
    table = Array.from({ length: END + 1 }, (_, code) => [code])
    width = 9
    previous = undefined
  }
  const read = (): number => {
    let code = 0
    for (let bit = 0; bit < width; bit++, at++) {
      const byte = packed[at >> 3]
      if (byte === undefined) throw new Error('LZW without an end')
      code |= ((byte >> (at & 7)) & 1) << bit
    }
    return code
  }
  reset()
  for (let code = read(); code !== END; code = read()) {
    if (code === CLEAR) {
      reset()
      continue
    }
    const entry =
      table[code] ?? (previous && code === table.length ? [...previous, previous[0] ?? 0] : undefined)
    if (entry === undefined) throw new Error(`LZW code ${code} is not defined`)
    plain.push(...entry)
    if (previous && table.length < 4096) table.push([...previous, entry[0] ?? 0])
    previous = entry
    if (table.length === 2 ** width && width < 12) width++
  }
  return Buffer.from(plain)
}
