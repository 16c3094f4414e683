/**
 * Damage of every kind on every kind of message: nothing may throw, no answer may be larger than its cause allows, and
 * everything dropped has a reason of the closed set. Each case has a time budget, larger in CI; the million executions are in fuzz-structure.test.ts.
 */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { encodeCompound } from '../../../../src/gossip/wire/compound.ts'
import { encodeCompressed } from '../../../../src/gossip/wire/compressed-frame.ts'
import { DROP_REASONS, type DropReason } from '../../../../src/gossip/wire/drop-reason.ts'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { openPacket, sealPacket } from '../../../../src/gossip/wire/packet.ts'
import { encodeStream, StreamReader } from '../../../../src/gossip/wire/stream.ts'
import { packetMessages, streamMessages } from './arbitraries.ts'
import { ascii, concat, fromHex } from './hex.ts'

const BUDGET_MS = process.env.HEARSAY_TEST === 'ci' ? 1500 : 300
const REASONS: ReadonlySet<string> = new Set(DROP_REASONS)

class Tally {
  readonly drops = new Map<DropReason, number>()
  messages = 0

  drop(reason: DropReason): void {
    if (!REASONS.has(reason)) throw new Error(`not a reason: ${reason}`)
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1)
  }

  openPacket(bytes: Uint8Array, label = ''): void {
    const { messages, drops } = openPacket(bytes, { label, crc32 })
    if (messages.length + drops.length === 0) throw new Error('a packet vanished')
    this.messages += messages.length
    for (const reason of drops) this.drop(reason)
  }

  readStream(bytes: Uint8Array, chunkBytes: number): void {
    const reader = new StreamReader({ label: '' })
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const result = reader.push(bytes.subarray(at, at + chunkBytes))
      if (result === 'need-more') continue
      if ('drop' in result) this.drop(result.drop)
      else this.messages++
      break
    }
    for (const reason of reader.recordDrops.keys()) this.drop(reason)
  }
}

function* damaged(bytes: Uint8Array, bits: boolean): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length)
  for (let at = 0; at < bytes.length; at++) {
    const masks = bits ? [1, 2, 4, 8, 16, 32, 64, 128, 255] : [0x80, 0x41, 0xff]
    for (const mask of masks) {
      const copy = bytes.slice()
      copy[at] = (copy[at] ?? 0) ^ mask
      yield copy
    }
  }
}

/** One valid message of each kind and a mixed packet of each framing. */
const PACKETS: readonly Uint8Array[] = fc
  .sample(packetMessages, { numRuns: 60, seed: 7 })
  .map(encodeMessage)
  .flatMap((bytes, i, all) => {
    const options = { crc: false, label: '', compress: false, crc32 }
    const pair = [bytes, all[(i + 1) % all.length] ?? bytes]
    if (i % 6 === 0) return [sealPacket(pair, options), encodeCompressed(encodeCompound(pair))]
    return [bytes]
  })
const STREAMS: readonly Uint8Array[] = fc
  .sample(streamMessages, { numRuns: 40, seed: 7 })
  .flatMap((message) => [encodeStream(message), encodeStream(message, { compress: true })])

/** Runs `step` until it is done or time is up, but so often at least: a slow machine must not make a test fail. */
function within<T>(inputs: Iterable<T>, atLeast: number, step: (input: T) => void): number {
  const endMs = performance.now() + BUDGET_MS
  let executions = 0
  for (const input of inputs) {
    step(input)
    executions++
    if (executions >= atLeast && (executions & 63) === 0 && performance.now() > endMs) break
  }
  return executions
}

describe('damage', () => {
  it('to packets, byte by byte and bit by bit, is counted', () => {
    const tally = new Tally()
    const inputs = (function* () {
      for (const packet of PACKETS) yield* damaged(packet, true)
    })()
    const executions = within(inputs, 20_000, (bytes) => tally.openPacket(bytes))
    expect(executions).toBeGreaterThanOrEqual(15_000)
    expect([...tally.drops.keys()]).toEqual(
      expect.arrayContaining([
        'empty',
        'truncated',
        'unknown-type',
        'field-type',
        'field-range',
        'name-control',
      ]),
    )
    expect(tally.messages).toBeGreaterThan(0)
  })

  it('to streams, byte by byte, is counted or waited for', () => {
    const tally = new Tally()
    const inputs = (function* () {
      for (const stream of STREAMS) yield* damaged(stream, false)
    })()
    const executions = within(inputs, 15_000, (bytes) => tally.readStream(bytes, 100))
    expect(executions).toBeGreaterThanOrEqual(15_000)
    expect([...tally.drops.keys()]).toEqual(
      expect.arrayContaining(['unknown-type', 'field-type', 'lzw-malformed', 'vsn-length']),
    )
  })

  it('at several places at once is counted', () => {
    const random = seededRandom(11)
    const tally = new Tally()
    const inputs = (function* () {
      for (;;) {
        const all = random.below(2) === 0 ? PACKETS : STREAMS
        const bytes = all[random.below(all.length)]?.slice() ?? new Uint8Array(1)
        for (let n = 0; n <= random.below(4); n++) bytes[random.below(bytes.length)] = random.below(256)
        yield bytes
      }
    })()
    const executions = within(inputs, 5000, (bytes) => {
      tally.openPacket(bytes)
      tally.readStream(bytes, 1 + (bytes.length >>> 2))
    })
    expect(executions).toBeGreaterThanOrEqual(5000)
    expect(tally.drops.size).toBeGreaterThan(8)
  })
})

describe('garbage', () => {
  it('of any length and first byte is counted', () => {
    const random = seededRandom(13)
    const tally = new Tally()
    const types = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 244]
    const inputs = (function* () {
      for (;;) {
        const bytes = Uint8Array.from({ length: 1 + random.below(200) }, () => random.below(256))
        bytes[0] = types[random.below(types.length + 8)] ?? random.below(256)
        if (random.below(2) === 0) bytes[1] = 0x80 | random.below(32)
        yield bytes
      }
    })()
    const executions = within(inputs, 5000, (bytes) => {
      tally.openPacket(bytes, bytes.length % 3 === 0 ? 'lbl' : '')
      tally.readStream(bytes, 64)
    })
    expect(executions).toBeGreaterThanOrEqual(5000)
    expect([...tally.drops.keys()]).toEqual(
      expect.arrayContaining(['crc-mismatch', 'label-mismatch', 'label-truncated', 'msgpack-malformed']),
    )
  })
})

describe('bombs', () => {
  it('of LZW stop at the bound', () => {
    const bomb = encodeCompressed(new Uint8Array(8 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(64 * 1024)
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 20; i++) expect(openPacket(bomb, { label: '', crc32 }).drops).toEqual(['too-large'])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
  })

  it('of headers wait without memory', () => {
    const readers: StreamReader[] = []
    const header = fromHex('0683a44a6f696ec2a54e6f646573cd2800ac5573657253746174654c656ece01400000')
    const before = process.memoryUsage()
    for (let i = 0; i < 500; i++) {
      const reader = new StreamReader({ label: '' })
      expect(reader.push(header)).toBe('need-more')
      readers.push(reader)
    }
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1024 * 1024)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(16 * 1024 * 1024)
    expect(readers).toHaveLength(500)
  })

  it('of array32 and map32 wait for bytes up to the bound of one item', () => {
    for (const head of ['dd', 'df', 'db', 'c6', 'c9']) {
      const announced = concat([2, 0x81, 0xa1], ascii('x'), fromHex(`${head}ffffffff`))
      const reader = new StreamReader({ label: '' })
      const first = reader.push(announced)
      if (first !== 'need-more') {
        expect(first, head).toEqual({ drop: 'too-large' })
        continue
      }
      expect(reader.push(new Uint8Array(70_000)), head).toEqual({ drop: 'too-large' })
    }
  })

  it('of depth need no stack in streams either', () => {
    const deep = concat([2, 0x81, 0xa1], ascii('x'), new Uint8Array(16_000).fill(0x91), [0xc0])
    expect(new StreamReader({ label: '' }).push(deep)).toMatchObject({ kind: 'ack' })
    const deeper = concat([2, 0x81, 0xa1], ascii('x'), new Uint8Array(1_000_000).fill(0x91))
    expect(new StreamReader({ label: '' }).push(deeper)).toEqual({ drop: 'too-large' })
  })
})
