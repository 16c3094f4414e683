import { describe, expect, it } from 'vitest'
import {
  BATCH_BYTES_MAX,
  BATCH_HEADER_BYTES,
  batchEntryBytes,
  decodeBatch,
  encodeBatch,
  isBatch,
} from '../../../../src/gossip/core/batch-frame.ts'

describe('batch frame', () => {
  it('gives back what went in, byte for byte', () => {
    const payloads = [Uint8Array.of(1), new Uint8Array(127).fill(2), new Uint8Array(1300).fill(3)]
    const frame = encodeBatch(payloads)
    expect([...frame.subarray(0, 5)]).toEqual([0xf1, 1, 0x42, 1, 1])
    expect(decodeBatch(frame)).toEqual(payloads)
  })

  it('predicts its size', () => {
    for (const length of [1, 127, 128, 16_383, 16_384]) {
      const frame = encodeBatch([new Uint8Array(length)])
      expect(frame.length).toBe(BATCH_HEADER_BYTES + batchEntryBytes(length))
    }
  })

  it('refuses other frames, newer versions, cut, empty and oversized entries without throwing', () => {
    const frame = encodeBatch([Uint8Array.of(1, 2, 3)])
    for (let length = 4; length < frame.length; length++) {
      expect(decodeBatch(frame.subarray(0, length))).toBeUndefined()
    }
    expect(decodeBatch(Uint8Array.of(0xf1, 2, 0x42))).toBeUndefined()
    expect(decodeBatch(Uint8Array.of(0xf1, 1, 0x43))).toBeUndefined()
    expect(decodeBatch(Uint8Array.of(0xf1, 1, 0x42, 0))).toBeUndefined()
    expect(
      decodeBatch(Uint8Array.of(0xf1, 1, 0x42, 255, 255, 255, 255, 255, 255, 255, 255, 255)),
    ).toBeUndefined()
    expect(decodeBatch(new Uint8Array())).toBeUndefined()
    expect(isBatch(Uint8Array.of(0x0a, 3))).toBe(false)
    expect(decodeBatch(encodeBatch([new Uint8Array(BATCH_BYTES_MAX)]))).toBeUndefined()
  })
})
