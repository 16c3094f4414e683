/** The frames of anti-entropy, byte for byte, and what is not one. */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { CausalContext } from '../../../../src/crdt/context.ts'
import { Sketch } from '../../../../src/crdt/sketch.ts'
import { DIGEST_BUCKETS } from '../../../../src/store/core/syncable.ts'
import { contextHash } from '../../../../src/store/replication/context-hash.ts'
import {
  decodeSyncFrame,
  eachHash,
  encodeSyncFrame,
  packHashes,
  type StateSummary,
  SYNC_FRAME_BYTES_MAX,
  type SyncBody,
} from '../../../../src/store/replication/frames.ts'
import { A, B, dot } from '../core/fixtures.ts'

const context = new CausalContext()
context.addInterval(A, { first: 1, last: 300 })
context.add(dot(7, B))

const sketch = new Sketch(3)
sketch.toggle(1, 2, 1)

const short: StateSummary = {
  root: Uint8Array.from({ length: 16 }, (_, i) => i),
  count: 100_000,
  contextHash: contextHash(context),
  context: undefined,
  sketch: undefined,
}
const HASHES = packHashes([
  { hi: 1, lo: 2 },
  { hi: 0xffff_fffe, lo: 0x8000_0000 },
])
const covers = new Uint8Array(DIGEST_BUCKETS / 8).fill(0x81)

const BODIES: readonly SyncBody[] = [
  { kind: 'offer', state: short },
  { kind: 'offer', state: { ...short, context, sketch } },
  { kind: 'done', state: { ...short, context } },
  { kind: 'swap', count: 3, context },
  { kind: 'ask-sketch' },
  { kind: 'summary', context, sketch },
  { kind: 'listing', part: 0, last: false, opening: { context, covers }, items: HASHES },
  { kind: 'listing', part: 300, last: true, opening: undefined, items: HASHES },
  {
    kind: 'want',
    part: 0,
    last: true,
    nothingComes: true,
    context,
    contested: HASHES.subarray(8),
    items: HASHES,
  },
  {
    kind: 'want',
    part: 1,
    last: false,
    nothingComes: false,
    context: undefined,
    contested: new Uint8Array(0),
    items: HASHES,
  },
  { kind: 'chunk', sequence: 5, last: true, delta: Uint8Array.of(1, 2, 3) },
  { kind: 'ack', of: 'want', number: 300 },
  { kind: 'refuse', reason: 'superseded' },
]
const BUCKETS: SyncBody = {
  kind: 'ask-listing',
  buckets: Uint32Array.from({ length: DIGEST_BUCKETS * 2 }, (_, i) => i * 2_000_003),
}

function bytesOf(body: SyncBody): Uint8Array {
  return encodeSyncFrame({ sender: 'zz-1', session: 0xdead_beef, body })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

describe('a frame', () => {
  it('has the bytes it always had', () => {
    expect(BODIES.map((body) => `${body.kind}: ${hex(bytesOf(body))}`).join('\n')).toMatchInlineSnapshot(`
      "offer: f1015300047a7a2d31effdb6f50d00000102030405060708090a0b0c0d0e0fa08d06163e8c2b126e771e
      offer: f1015300047a7a2d31effdb6f50d03000102030405060708090a0b0c0d0e0fa08d06163e8c2b126e771e0200aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0101ab0200bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0107000300000001000000023f558e6b020000000000000000000000000100000000000000000000000001
      done: f1015301047a7a2d31effdb6f50d01000102030405060708090a0b0c0d0e0fa08d06163e8c2b126e771e0200aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0101ab0200bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb010700
      swap: f1015302047a7a2d31effdb6f50d030200aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0101ab0200bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb010700
      ask-sketch: f1015303047a7a2d31effdb6f50d
      summary: f1015305047a7a2d31effdb6f50d0200aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0101ab0200bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0107000300000001000000023f558e6b020000000000000000000000000100000000000000000000000001
      listing: f1015306047a7a2d31effdb6f50d00000200aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0101ab0200bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01070081818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181818181810000000100000002fffffffe80000000
      listing: f1015306047a7a2d31effdb6f50dac02010000000100000002fffffffe80000000
      want: f1015307047a7a2d31effdb6f50d00030200aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0101ab0200bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb01070008fffffffe800000000000000100000002fffffffe80000000
      want: f1015307047a7a2d31effdb6f50d0100000000000100000002fffffffe80000000
      chunk: f1015308047a7a2d31effdb6f50d0501010203
      ack: f1015309047a7a2d31effdb6f50d02ac02
      refuse: f101530a047a7a2d31effdb6f50d01"
    `)
  })

  it.each([...BODIES, BUCKETS])('of kind $kind comes back as it was', (body) => {
    const frame = decodeSyncFrame(bytesOf(body))
    expect([frame.sender, frame.session]).toEqual(['zz-1', 0xdead_beef])
    expect(hex(encodeSyncFrame(frame))).toBe(hex(bytesOf(body)))
    expect(frame.body.kind).toBe(body.kind)
  })

  it('of an offer to a peer that is known to hold the same has at most 64 bytes', () => {
    const bytes = encodeSyncFrame({
      sender: 'zz-0123456789ab',
      session: 0xffff_fffe,
      body: { kind: 'offer', state: { ...short, count: 1_000_000 } },
    })
    expect(bytes.length).toBe(53)
  })
})

describe('bytes that are no frame', () => {
  it('are refused, cut anywhere or with something behind', () => {
    for (const body of [...BODIES, BUCKETS]) {
      const bytes = bytesOf(body)
      // What is a list of hashes or a delta to the end of the frame may end earlier.
      const open =
        body.kind === 'listing' || body.kind === 'want' ? HASHES.length : body.kind === 'chunk' ? 3 : 0
      for (let length = 4; length < bytes.length - open; length += length > 2000 ? 97 : 1) {
        expect(() => decodeSyncFrame(bytes.subarray(0, length)), `${body.kind} ${length}`).toThrow()
      }
      if (open === 0) {
        expect(() => decodeSyncFrame(Uint8Array.of(...bytes, 0))).toThrow('bytes after the end')
      }
    }
  })

  it('are refused by name: no sender, no session, unknown kind, flags or reason, too long', () => {
    const head = (kind: number, ...rest: number[]): Uint8Array => Uint8Array.of(0xf1, 1, 0x53, kind, ...rest)
    expect(() => decodeSyncFrame(head(3, 0, 1))).toThrow('a sender without a name')
    expect(() => decodeSyncFrame(head(3, 1, 0x61, 0))).toThrow('a frame of no session')
    expect(() => decodeSyncFrame(head(11, 1, 0x61, 1))).toThrow('unknown kind')
    expect(() => decodeSyncFrame(head(10, 1, 0x61, 1, 2))).toThrow('unknown kind')
    expect(() => decodeSyncFrame(head(0, 1, 0x61, 1, 4))).toThrow('unknown flags')
    expect(() => decodeSyncFrame(new Uint8Array(SYNC_FRAME_BYTES_MAX + 1))).toThrow('the limit is')
  })

  it('never make the decoder do anything but refuse', () => {
    const random = seededRandom(7)
    let refused = 0
    for (let run = 0; run < 5000; run++) {
      const body = BODIES[run % BODIES.length]
      if (body === undefined) continue
      const bytes = bytesOf(body)
      for (let flips = 1 + random.below(4); flips > 0; flips--) {
        bytes[3 + random.below(bytes.length - 3)] = random.below(256)
      }
      try {
        decodeSyncFrame(bytes)
      } catch (error) {
        refused++
        expect(error).toMatchObject({ code: expect.stringMatching(/^(BYTES|STATE|SYNC|ACTOR)_/) })
      }
    }
    expect(refused).toBeGreaterThan(1000)
  })
})

it('hashes are read as they were packed, until somebody has enough', () => {
  const read: number[] = []
  expect(eachHash(HASHES, (hi, lo) => read.push(hi, lo) > 0)).toBe(true)
  expect(read).toEqual([1, 2, 0xffff_fffe, 0x8000_0000])
  expect(eachHash(HASHES, () => false)).toBe(false)
})
