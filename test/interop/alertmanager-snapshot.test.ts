/**
 * Records of ours in a real Alertmanager: it loads them from its own snapshot file, which holds the same bytes as its
 * gossip, shows what we show, and writes back bytes that we read as the same records.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readDelimited, writeDelimited } from '../../src/alerting/core/delimited.ts'
import { matcher } from '../../src/alerting/core/matcher.ts'
import { nanosFromMs } from '../../src/alerting/core/nanos.ts'
import { admitNotification } from '../../src/alerting/core/notification-admission.ts'
import { admitSilence } from '../../src/alerting/core/silence-admission.ts'
import { encodeSilence } from '../../src/alerting/core/silence-codec.ts'
import { ByteWriter } from '../../src/base/bytes.ts'
import { ALERTMANAGER, startAlertmanager } from '../support/alertmanager.ts'
import { GOLDEN_NOTIFICATION, GOLDEN_SILENCE } from '../support/golden-alertmanager.ts'
import { requirement } from '../support/requirement.ts'
import { aSilence, HOUR_NS } from '../support/silences.ts'
import { tempDir } from '../support/temp-dir.ts'

const ID = 'dddddddd-0000-4000-8000-000000000001'

function fileOf(...records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter()
  for (const record of records) writeDelimited(writer, record)
  return writer.finish()
}

function recordsIn(path: string): Uint8Array[] {
  const records: Uint8Array[] = []
  expect(readDelimited(Uint8Array.from(readFileSync(path)), (record) => records.push(record) > 0)).toBe(true)
  return records
}

requirement(ALERTMANAGER)('records in a real Alertmanager', () => {
  it('are loaded, shown alike, and written back the same', async () => {
    const storagePath = tempDir()
    mkdirSync(storagePath, { recursive: true })
    const nowNs = nanosFromMs(Date.now())
    const record = encodeSilence(
      aSilence({
        id: ID,
        matcherSets: [
          [
            matcher('a', '=', 'x'),
            matcher('b', '!=', 'y'),
            matcher('c', '=~', 'z.*'),
            matcher('d', '!~', '"ä🙂"\\d'),
          ],
        ],
        startsAtNs: nowNs - HOUR_NS + 1n,
        endsAtNs: nowNs + HOUR_NS,
        updatedAtNs: nowNs,
        expiresAtNs: nowNs + 121n * HOUR_NS,
        annotations: new Map([
          ['k', ''],
          ['team', 'x'],
        ]),
      }),
    )
    writeFileSync(join(storagePath, 'silences'), fileOf(record.bytes, GOLDEN_SILENCE))
    writeFileSync(join(storagePath, 'nflog'), fileOf(GOLDEN_NOTIFICATION))
    const real = await startAlertmanager({ standalone: true, storagePath })
    try {
      const shown = await (await fetch(`${real.url}/api/v2/silence/${ID}`)).json()
      expect(shown).toMatchObject({
        comment: 'swap',
        status: { state: 'active' },
        matchers: [
          { name: 'a', value: 'x', isEqual: true, isRegex: false },
          { name: 'b', value: 'y', isEqual: false, isRegex: false },
          { name: 'c', value: 'z.*', isEqual: true, isRegex: true },
          { name: 'd', value: '"ä🙂"\\d', isEqual: false, isRegex: true },
        ],
      })
    } finally {
      await real.stop()
    }
    const written = recordsIn(join(storagePath, 'silences'))
    expect(new Set(written)).toEqual(new Set([record.bytes, GOLDEN_SILENCE]))
    for (const bytes of written)
      expect(admitSilence(bytes)).toMatchObject({ verdict: 'accepted', put: { record: { bytes } } })
    for (const bytes of recordsIn(join(storagePath, 'nflog'))) {
      expect(admitNotification(bytes)).toMatchObject({ verdict: 'accepted', put: { record: { bytes } } })
    }
  })
})
