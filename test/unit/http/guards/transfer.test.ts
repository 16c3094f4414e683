import { describe, expect, it } from 'vitest'
import { Transfer } from '../../../../src/http/guards/transfer.ts'

const WINDOW_MS = 100
const BYTES = 10

function stalled(transfer: Transfer, bytes: number, nowMs: number): boolean {
  return transfer.isStalled(bytes, nowMs, WINDOW_MS, BYTES)
}

describe('a transfer', () => {
  it('stalls when too little moved in the time since it was first looked at', () => {
    const transfer = new Transfer()
    expect([0, 50, 99, 100].map((nowMs) => stalled(transfer, 9, 1000 + nowMs))).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  it('has its time again whenever enough has moved', () => {
    const transfer = new Transfer()
    expect([0, 90, 180, 270].map((nowMs) => stalled(transfer, nowMs, nowMs))).toEqual([
      false,
      false,
      false,
      false,
    ])
    expect(stalled(transfer, 270 + BYTES - 1, 370)).toBe(true)
  })

  it('has its time again after a rest', () => {
    const transfer = new Transfer()
    stalled(transfer, 0, 0)
    transfer.rest()
    expect([stalled(transfer, 0, 100), stalled(transfer, 0, 199), stalled(transfer, 0, 200)]).toEqual([
      false,
      false,
      true,
    ])
  })
})
