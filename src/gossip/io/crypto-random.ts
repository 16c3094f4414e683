/** Random numbers that nobody can foretell from those they have seen, drawn from the host in blocks of 1 KiB. */
import { randomFillSync } from 'node:crypto'
import type { Random } from '../../base/random.ts'

const DRAWN_AT_ONCE = 256
const RANGE = 0x1_0000_0000

export function cryptoRandom(): Random {
  const drawn = new Uint32Array(DRAWN_AT_ONCE)
  let used = DRAWN_AT_ONCE
  const next = (): number => {
    if (used === DRAWN_AT_ONCE) {
      randomFillSync(drawn)
      used = 0
    }
    return (drawn[used++] ?? 0) / RANGE
  }
  return { next, below: (bound) => Math.floor(next() * bound) }
}
