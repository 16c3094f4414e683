import { describe, expect, it } from 'vitest'
import { QUARANTINE_TABLE, SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { ImportedRecords, importFile } from '../../../src/alerting/core/alertmanager-file.ts'
import { writeDelimited } from '../../../src/alerting/core/delimited.ts'
import { matcher } from '../../../src/alerting/core/matcher.ts'
import { admitNotification } from '../../../src/alerting/core/notification-admission.ts'
import { encodeNotification } from '../../../src/alerting/core/notification-codec.ts'
import { admitSilence } from '../../../src/alerting/core/silence-admission.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import { ByteWriter } from '../../../src/base/bytes.ts'
import { GOLDEN_SILENCE, GOLDEN_SILENCE_LIST } from '../../support/golden-alertmanager.ts'
import { aNotification } from '../../support/notifications.ts'
import { aSilence, NOW_MS, NOW_NS } from '../../support/silences.ts'

const WHERE = { name: '/am/silences', nowMs: NOW_MS }

function fileOf(...records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter()
  for (const record of records) writeDelimited(writer, record)
  return writer.finish()
}

function silence(id: string, parts: Parameters<typeof aSilence>[0] = {}): Uint8Array {
  return encodeSilence(aSilence({ id, ...parts })).bytes
}

describe('a file of silences', () => {
  it('costs what is bad in it, each by its verdict, and keeps the rest', () => {
    const file = fileOf(
      silence('good'),
      silence('broken-regex', { matcherSets: [[matcher('a', '=~', '(')]] }),
      new Uint8Array(0),
      Uint8Array.of(0xff, 0xff),
      silence('gone', { expiresAtNs: NOW_NS - 1_000_000n }),
      silence('ended', { endsAtNs: NOW_NS - 1n }),
    )
    const records = new ImportedRecords()
    expect(importFile(file, admitSilence, records, WHERE)).toEqual({
      accepted: 2,
      quarantined: 1,
      refused: 2,
      expired: 1,
    })
    expect([...records.puts()].map(({ table, key }) => [table, key])).toEqual([
      [SILENCE_TABLE, 'good'],
      [QUARANTINE_TABLE, 'broken-regex'],
      [SILENCE_TABLE, 'ended'],
    ])
  })

  it('with a key twice gives the newer, in either order', () => {
    const older = silence('a', { comment: 'older', updatedAtNs: NOW_NS - 2n })
    const newer = silence('a', { comment: 'newer', updatedAtNs: NOW_NS - 1n })
    for (const file of [fileOf(older, newer), fileOf(newer, older)]) {
      const records = new ImportedRecords()
      importFile(file, admitSilence, records, WHERE)
      expect([...records.puts()].map(({ record }) => record.bytes)).toEqual([newer])
    }
  })

  it('of a newer Alertmanager, with matcher sets and annotations, gives the same bytes', () => {
    const records = new ImportedRecords()
    expect(importFile(GOLDEN_SILENCE_LIST, admitSilence, records, WHERE)).toMatchObject({ accepted: 1 })
    expect([...records.puts()].map(({ record }) => record.bytes)).toEqual([GOLDEN_SILENCE])
  })

  it('that is empty holds nothing', () => {
    const counts = importFile(new Uint8Array(0), admitSilence, new ImportedRecords(), WHERE)
    expect(counts).toEqual({ accepted: 0, quarantined: 0, refused: 0, expired: 0 })
  })

  it('that was cut is refused with its name and the byte, wherever the cut is', () => {
    const [first, second] = [fileOf(silence('a')), fileOf(silence('b'))]
    const whole = Uint8Array.from([...first, ...second])
    for (let end = first.length + 1; end < whole.length; end++) {
      expect(() => importFile(whole.subarray(0, end), admitSilence, new ImportedRecords(), WHERE)).toThrow(
        expect.objectContaining({
          code: 'SNAPSHOT_DAMAGED',
          message: `/am/silences is damaged at byte ${first.length}: the record there runs over the end of the file, at ${end}`,
        }),
      )
    }
  })

  it('that is something else altogether is refused too', () => {
    const text = new TextEncoder().encode('route: {receiver: none}\nreceivers: [{name: none}]\n')
    expect(() => importFile(text, admitSilence, new ImportedRecords(), WHERE)).toThrow(/damaged at byte \d+/)
  })
})

describe('a file of the notification log', () => {
  it('gives the entries that a peer would', () => {
    const { bytes } = encodeNotification(aNotification({ firing: [1n], expiresAtNs: NOW_NS + 1n }))
    const records = new ImportedRecords()
    const without = fileOf(bytes, Uint8Array.of(0x0a, 0))
    expect(importFile(without, admitNotification, records, WHERE)).toMatchObject({ accepted: 1, refused: 1 })
    expect([...records.puts()].map(({ record }) => record.bytes)).toEqual([bytes])
  })
})
