import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint } from '../../../src/alerting/core/fingerprint.ts'
import { labelBytes } from '../../../src/alerting/core/label-bytes.ts'
import { labelHash } from '../../../src/alerting/core/label-hash.ts'
import { loadXxHash64 } from '../../../src/app/xx-hash.ts'
import { utf8Encode } from '../../../src/base/bytes.ts'

const xxHash64 = await loadXxHash64()

/** By the book, with a bigint a byte. */
function slowFnv(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn
  return hash.toString(16).padStart(16, '0')
}

const labelSets = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), {
  maxKeys: 6,
  noNullPrototype: true,
})

describe('the label hash', () => {
  it('is what a real Alertmanager writes into its log', () => {
    expect(labelHash({ alertname: 'foo', node: 'bar' }, xxHash64)).toBe(11332729002249449581n)
  })

  it('is xxHash64 as published, of no bytes and of many', () => {
    expect(xxHash64(new Uint8Array(0))).toBe(0xef46db3751d8e999n)
    expect(xxHash64(utf8Encode('Call me Ishmael. Some years ago--never mind how long precisely-'))).toBe(
      0x02a2e85470d6fd96n,
    )
  })

  it('does not keep the bytes it was given', () => {
    const bytes = utf8Encode('abc')
    const before = xxHash64(bytes)
    xxHash64(new Uint8Array(100_000).fill(7))
    expect(xxHash64(bytes)).toBe(before)
  })

  it('is loaded once', () => {
    expect(loadXxHash64()).toBe(loadXxHash64())
  })
})

describe('the fingerprint', () => {
  it('is what a real Alertmanager shows', () => {
    expect(fingerprint({ alertname: 'foo', node: 'bar' })).toBe('980a6a0e0facf311')
    expect(fingerprint({ severity: 'critical', alertname: 'alert1' })).toBe('0223b772b51c29e1')
  })

  it('is FNV-1a of 64 bits, for any labels', () => {
    fc.assert(
      fc.property(labelSets, (labels) => {
        expect(fingerprint(labels)).toBe(slowFnv(labelBytes(labels)))
      }),
      { numRuns: 500 },
    )
  })
})

describe('the bytes of labels', () => {
  it('are the same in whatever order the labels are listed', () => {
    expect(labelBytes({ b: '2', a: '1' })).toEqual(labelBytes({ a: '1', b: '2' }))
    expect(labelBytes({ a: '1', b: '' })).toEqual(Uint8Array.of(0x61, 0xff, 0x31, 0xff, 0x62, 0xff, 0xff))
  })

  it('are sorted as Go sorts, by UTF-8', () => {
    const names = new TextDecoder('latin1').decode(labelBytes({ '\u{1f642}': '', '\uffff': '', a: '' }))
    expect(names.split('\u00ff').filter((name) => name !== '')).toHaveLength(3)
    expect(labelBytes({ '\u{1f642}': 'x', '\uffff': 'y' })[0]).toBe(0xef)
  })

  it('tell apart what merely looks joined alike', () => {
    expect(labelBytes({ a: 'bc' })).not.toEqual(labelBytes({ ab: 'c' }))
    expect(labelBytes({ a: '1', b: '2' })).not.toEqual(labelBytes({ a: '1b2' }))
  })

  it('take names that JavaScript treats specially like any other', () => {
    const labels: Record<string, string> = JSON.parse('{"__proto__": "x", "constructor": "y", "a": "z"}')
    const expected = ['__proto__', 'x', 'a', 'z', 'constructor', 'y']
    expect([...labelBytes(labels)]).toEqual(expected.flatMap((text) => [...utf8Encode(text), 0xff]))
  })
})
