/** Lines are measured before they are encoded: never too short, and not by much too long. */
import { expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import type { Delta } from '../../../../src/store/core/delta.ts'
import { encodeDelta } from '../../../../src/store/core/delta-codec.ts'
import { LineMeasure } from '../../../../src/store/replication/line-measure.ts'
import { A, B, dot, entry, NOTHING, record, text } from '../core/fixtures.ts'

function measured(delta: Delta): number {
  return new LineMeasure().lines(delta).reduce((sum, { bytes }) => sum + bytes, 0)
}

it('no chunk is longer than its lines were measured, whatever is in them', () => {
  const random = seededRandom(1)
  const texts = ['', 'k', 'ключ', '键'.repeat(20), '😀😀', 'x'.repeat(300)]
  const pick = (): string => texts[random.below(texts.length)] ?? ''
  const far = 2 ** 52
  for (let run = 0; run < 300; run++) {
    const count = 1 + random.below(20)
    const lines = Array.from({ length: count }, () => undefined)
    const delta: Delta = {
      puts: lines.map(() => ({
        map: pick(),
        key: pick(),
        entry: entry(random.below(2) === 0 ? 1 : far, 1, pick(), {
          dot: dot(far, random.below(2) === 0 ? A : B),
          stamp: { epoch: random.below(9), ms: 253_402_300_799_999, logical: 65_535, actor: A },
          value: { ...text(pick()), contentType: pick() },
          expiresAtMs: far,
        }),
      })),
      adds: lines.map(() => ({ set: pick(), member: pick(), dot: dot(far, random.below(2) === 0 ? A : B) })),
      covered: [],
      records: lines.map(() => ({ table: pick(), key: pick(), record: record(1n, pick(), far) })),
    }
    // Layout version, kind, and four counts.
    expect(encodeDelta(delta).length).toBeLessThanOrEqual(measured(delta) + 6)
  }
})

it('an ordinary entry is measured at most a fifth too long', () => {
  const puts = Array.from({ length: 300 }, (_, i) => ({
    map: 'thresholds',
    key: `service-${i}/region-eu-1`,
    entry: entry(100_000 + i, 1_700_000_000_000 + i, 'v'.repeat(150)),
  }))
  const delta = { ...NOTHING, puts }
  expect(measured(delta)).toBeLessThan(encodeDelta(delta).length * 1.2)
})
