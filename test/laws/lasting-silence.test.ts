/**
 * Versions of one silence among replicas that lift them (alerting/core/lasting-silence.ts): whatever the versions, the
 * order and the repetition, replicas end with the same bytes, after finitely many versions, and nothing is forgotten
 * before the last that was seen would have been.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lastingSilence } from '../../src/alerting/core/lasting-silence.ts'
import { ENDED_VERSION_END_NS, VERSION_END_NS } from '../../src/alerting/core/nanos.ts'
import { admitSilence } from '../../src/alerting/core/silence-admission.ts'
import { encodeSilence } from '../../src/alerting/core/silence-codec.ts'
import { compareBytes } from '../../src/base/bytes.ts'
import type { ForeignRecord } from '../../src/store/core/delta.ts'
import { compareRecords } from '../../src/store/core/record-tables.ts'
import { aSilence, HOUR_NS, NOW_NS } from '../support/silences.ts'

/** Stamps and expiries from few values, so that ties and neighbours are common. */
const version = fc
  .record({
    stamp: fc.integer({ min: 0, max: 6 }),
    expires: fc.integer({ min: 0, max: 5 }),
    comment: fc.constantFrom('a', 'b', 'c'),
    ended: fc.boolean(),
  })
  .map(({ stamp, expires, comment, ended }) =>
    encodeSilence(
      aSilence({
        updatedAtNs: NOW_NS + BigInt(stamp),
        expiresAtNs: NOW_NS + BigInt(expires + 1) * HOUR_NS,
        comment,
        ...(ended ? { endsAtNs: NOW_NS } : {}),
      }),
    ),
  )

const versions = fc.array(version, { minLength: 1, maxLength: 8 })

function join(held: ForeignRecord | undefined, incoming: ForeignRecord): ForeignRecord {
  return held === undefined ? incoming : lastingSilence(held, incoming)
}

function latestExpiry(records: readonly ForeignRecord[]): number {
  return Math.max(...records.map(({ expiresAtMs }) => expiresAtMs))
}

describe('versions of one silence', () => {
  it('make the same bytes in either order, and neither loses', () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const [ab, ba] = [lastingSilence(a, b), lastingSilence(b, a)]
        expect(compareBytes(ab.bytes, ba.bytes)).toBe(0)
        expect(ab).toEqual(ba)
        expect(ab.expiresAtMs).toBe(latestExpiry([a, b]))
        for (const of of [a, b]) expect(compareRecords(ab, of)).toBeGreaterThanOrEqual(0)
        expect(lastingSilence(ab, a)).toEqual(ab)
        expect(lastingSilence(b, ab)).toEqual(ab)
      }),
    )
  })

  it('converge on all replicas, whatever each heard first, and lift finitely often', () => {
    fc.assert(
      fc.property(
        versions,
        fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 40 }),
        fc.integer({ min: 2, max: 4 }),
        (all, deliveries, count) => {
          const held: (ForeignRecord | undefined)[] = Array.from({ length: count })
          // Any of the versions to any replica, in any order, several times.
          for (const [to, which] of deliveries) {
            const incoming = all[which % all.length]
            if (incoming !== undefined) held[to % count] = join(held[to % count], incoming)
          }
          for (const [i, incoming] of all.entries()) held[i % count] = join(held[i % count], incoming)
          // Then replicas tell one another what they hold, for as long as that changes anything.
          const lineages = all.length * new Set(all.map(({ expiresAtMs }) => expiresAtMs)).size
          let rounds = 0
          for (let changed = true; changed; rounds++) {
            expect(rounds).toBeLessThanOrEqual(lineages * count + 1)
            changed = false
            for (let to = 0; to < count; to++) {
              const before = held[to]
              for (const other of [...held]) if (other !== undefined) held[to] = join(held[to], other)
              changed ||= held[to] !== before && compareBytes(bytesOf(held[to]), bytesOf(before)) !== 0
            }
          }
          for (const of of held) expect(compareBytes(bytesOf(of), bytesOf(held[0]))).toBe(0)
          expect(held[0]?.expiresAtMs).toBe(latestExpiry(all))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('stay acceptable to peers, also where stamps end', () => {
    for (const endNs of [VERSION_END_NS, ENDED_VERSION_END_NS]) {
      for (const below of [1n, 2n]) {
        const times = endNs === VERSION_END_NS ? {} : { startsAtNs: NOW_NS, endsAtNs: NOW_NS }
        const last = encodeSilence(
          aSilence({ ...times, updatedAtNs: endNs - below, expiresAtNs: NOW_NS + 1n }),
        )
        const longer = encodeSilence(aSilence({ expiresAtNs: NOW_NS + HOUR_NS }))
        const lasting = lastingSilence(last, longer)
        expect(admitSilence(lasting.bytes).verdict).toBe('accepted')
        expect(lasting.expiresAtMs).toBe(below === 1n ? last.expiresAtMs : longer.expiresAtMs)
      }
    }
  })
})

function bytesOf(record: ForeignRecord | undefined): Uint8Array {
  return record?.bytes ?? new Uint8Array(0)
}
