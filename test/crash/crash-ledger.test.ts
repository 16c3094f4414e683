/** The oracle of the crash tests can fail: it tells lost and invented writes from ones of unknown outcome. */
import { describe, expect, it } from 'vitest'
import { CrashLedger } from '../support/crash-ledger.ts'

function line(kind: 'try' | 'ack', cell: string, content?: string): string {
  return `${JSON.stringify({ kind, cell, content })}\n`
}

describe('the crash ledger', () => {
  it('is content with the last acknowledged content, or with the later one of unknown outcome', () => {
    for (const found of ['1', '2']) {
      const ledger = new CrashLedger()
      ledger.read(line('try', 'a', '1') + line('ack', 'a', '1') + line('try', 'a', '2'))
      expect(ledger.settle(new Map([['a', found]]))).toEqual([])
    }
  })

  it('names an acknowledged write that is missing, old or undone', () => {
    for (const found of [new Map(), new Map([['a', '1']])]) {
      const ledger = new CrashLedger()
      ledger.read(
        line('try', 'a', '1') + line('ack', 'a', '1') + line('try', 'a', '2') + line('ack', 'a', '2'),
      )
      expect(ledger.settle(found)).toHaveLength(1)
    }
  })

  it('names a deleted cell that is back', () => {
    const ledger = new CrashLedger()
    ledger.read(line('try', 'a', '1') + line('ack', 'a', '1') + line('try', 'a') + line('ack', 'a'))
    expect(ledger.settle(new Map([['a', '1']]))).toHaveLength(1)
  })

  it('names what nobody wrote', () => {
    const ledger = new CrashLedger()
    expect(ledger.settle(new Map([['b', '1']]))).toEqual(['b: nobody wrote it'])
  })

  it('holds what was found after a crash as settled: it may not change by itself later', () => {
    const ledger = new CrashLedger()
    ledger.read(line('try', 'a', '1'))
    expect(ledger.settle(new Map([['a', '1']]))).toEqual([])
    expect(ledger.settle(new Map())).toHaveLength(1)
  })

  it('passes over a last line that the crash has cut', () => {
    const ledger = new CrashLedger()
    ledger.read(`${line('try', 'a', '1')}{"kind":"ack","ce`)
    expect(ledger.acks).toBe(0)
    expect(ledger.settle(new Map())).toEqual([])
  })
})
