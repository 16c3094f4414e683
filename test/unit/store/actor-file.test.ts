/** The actor file: read back as written, doubted when damaged, refused when newer. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import {
  formatActorFile,
  parseActorFile,
  readActorFile,
  writeActorFile,
} from '../../../src/store/actor-file.ts'
import type { ActorRecord } from '../../../src/store/core/actor-record.ts'
import { tempDir } from '../../support/temp-dir.ts'

const record: ActorRecord = { actor: actorId('0123456789abcdef0123456789abcdef'), leasedTo: 20_000 }

function withCheck(line: string): string {
  return `${line}\ncrc32 ${crc32(line).toString(16).padStart(8, '0')}\n`
}

describe('the actor file', () => {
  it('reads back what was written, with and without the optional fields', async () => {
    const path = join(tempDir(), 'actor')
    const full = { ...record, name: 'zz-é', incarnation: 7, closedAtBatch: 12 }
    for (const written of [record, full]) {
      await writeActorFile(path, written)
      expect(await readActorFile(path)).toEqual({ kind: 'intact', record: written })
    }
  })

  it('is private and leaves no temporary file', async () => {
    const folder = tempDir()
    await writeActorFile(join(folder, 'actor'), record)
    await writeActorFile(join(folder, 'actor'), record)
    expect(readdirSync(folder)).toEqual(['actor'])
    expect(statSync(join(folder, 'actor')).mode & 0o777).toBe(0o600)
  })

  it('keeps the old file when the new one cannot be written', async () => {
    const folder = tempDir()
    const path = join(folder, 'actor')
    await expect(writeActorFile(join(path, 'below'), record)).rejects.toThrow()
    await writeActorFile(path, record)
    await expect(writeActorFile(join(path, 'below'), { ...record, leasedTo: 1 })).rejects.toThrow()
    expect(await readActorFile(path)).toEqual({ kind: 'intact', record })
  })

  it('is absent when it is absent, and unreadable when its path is', async () => {
    const folder = tempDir()
    expect(await readActorFile(join(folder, 'actor'))).toEqual({ kind: 'absent' })
    writeFileSync(join(folder, 'file'), '')
    await expect(readActorFile(join(folder, 'file', 'actor'))).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
    })
  })

  it('is damaged after any single flipped bit and at any cut', async () => {
    const folder = tempDir()
    const path = join(folder, 'actor')
    await writeActorFile(path, record)
    const intact = readFileSync(path)
    const check = intact.indexOf('\n')
    for (let bit = 0; bit < (intact.length - 1) * 8; bit++) {
      const copy = Buffer.from(intact)
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(parseActorFile(copy.toString('latin1'), path).kind).toBe('damaged')
    }
    for (let length = 0; length < check + 15; length++) {
      expect(parseActorFile(intact.subarray(0, length).toString(), path).kind).toBe('damaged')
    }
  })

  it('is damaged when a field has the wrong type though the checksum is right', () => {
    const lines = [
      '[]',
      '7',
      '{"format":1}',
      '{"format":1,"actor":"xyz","leasedTo":1}',
      `{"format":1,"actor":"${record.actor}","leasedTo":-1}`,
      `{"format":1,"actor":"${record.actor}","leasedTo":1.5}`,
      `{"format":1,"actor":"${record.actor}","leasedTo":1,"name":5}`,
      `{"format":1,"actor":"${record.actor}","leasedTo":1,"incarnation":"5"}`,
    ]
    for (const line of lines) expect(parseActorFile(withCheck(line), 'actor').kind).toBe('damaged')
  })

  it('is damaged, not read, when it is absurdly long', async () => {
    const path = join(tempDir(), 'actor')
    writeFileSync(path, 'x'.repeat(70_000))
    expect(await readActorFile(path)).toEqual({ kind: 'damaged', reason: '70000 bytes long' })
  })

  it('of a newer format is refused, with both versions in the text', () => {
    const line = formatActorFile(record).split('\n')[0]?.replace('"format":1', '"format":9') ?? ''
    expect(() => parseActorFile(withCheck(line), '/data/actor')).toThrow(
      expect.objectContaining({
        code: 'STORE_FORMAT_NEWER',
        message: expect.stringMatching(/format 9.*up to 1/),
      }),
    )
  })
})
