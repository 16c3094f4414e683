import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeDelimited } from '../../../src/alerting/core/delimited.ts'
import { encodeNotification } from '../../../src/alerting/core/notification-codec.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import { restoreAlertmanagerFiles } from '../../../src/app/alertmanager-files.ts'
import { ByteWriter } from '../../../src/base/bytes.ts'
import { aNotification } from '../../support/notifications.ts'
import { aSilence, NOW_MS, NOW_NS } from '../../support/silences.ts'
import { tempDir } from '../../support/temp-dir.ts'

function fileOf(...records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter()
  for (const record of records) writeDelimited(writer, record)
  return writer.finish()
}

const SILENCES = fileOf(...['a', 'b'].map((id) => encodeSilence(aSilence({ id })).bytes))
const NFLOG = fileOf(encodeNotification(aNotification({ expiresAtNs: NOW_NS + 1n })).bytes)

function setup(files: Readonly<Record<string, Uint8Array>>) {
  const directory = tempDir()
  mkdirSync(directory, { recursive: true })
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes)
  const storagePath = join(tempDir(), 'data')
  const restore = (fileBytesMax?: number) =>
    restoreAlertmanagerFiles(directory, {
      storagePath,
      nowMs: NOW_MS,
      ...(fileBytesMax === undefined ? {} : { fileBytesMax }),
    })
  return { directory, storagePath, restore }
}

describe('the files of an Alertmanager', () => {
  it('are restored into a new store, and nothing of them is changed', async () => {
    const { directory, storagePath, restore } = setup({ silences: SILENCES, nflog: NFLOG })
    expect(await restore()).toMatchObject({
      foreignRecords: 3,
      silences: { accepted: 2 },
      notifications: { accepted: 1 },
      actor: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    expect(readdirSync(storagePath)).toEqual(['hearsay'])
    expect(readdirSync(directory).sort((a, b) => (a < b ? -1 : 1))).toEqual(['nflog', 'silences'])
    await expect(restore()).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
  })

  it('may be one alone', async () => {
    expect(await setup({ silences: SILENCES }).restore()).toMatchObject({ foreignRecords: 2 })
    expect(await setup({ nflog: NFLOG }).restore()).toMatchObject({ foreignRecords: 1 })
  })

  it('may be restored beside themselves', async () => {
    const { directory } = setup({ silences: SILENCES })
    await restoreAlertmanagerFiles(directory, { storagePath: directory, nowMs: NOW_MS })
    expect(existsSync(join(directory, 'hearsay'))).toBe(true)
  })

  it.each([
    ['neither is there', {}, 'ALERTMANAGER_FILES_MISSING'],
    ['one was cut', { silences: SILENCES, nflog: NFLOG.subarray(0, -1) }, 'SNAPSHOT_DAMAGED'],
  ])('leave nothing behind when %s', async (_, files, code) => {
    const { storagePath, restore } = setup(files)
    await expect(restore()).rejects.toMatchObject({ code })
    expect(existsSync(storagePath)).toBe(false)
  })

  it('are not read beyond a size', async () => {
    const { restore } = setup({ silences: SILENCES })
    await expect(restore(SILENCES.length - 1)).rejects.toMatchObject({ code: 'ALERTMANAGER_FILE_TOO_LARGE' })
    expect(await restore(SILENCES.length)).toMatchObject({ foreignRecords: 2 })
  })
})
