/** Sealed, numbered batches over memory storage: what load reports after the bytes below were tampered with. */
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../src/base/bytes.ts'
import { sealRecord } from '../../../src/store/checked-record.ts'
import type { LoadReport } from '../../../src/store/core/load-report.ts'
import type { StorageOp } from '../../../src/store/core/storage-op.ts'
import { MemoryStorage } from '../../../src/store/memory-storage.ts'
import { RecordStorage } from '../../../src/store/record-storage.ts'
import { allPairs } from '../../contract/storage.contract.ts'

function put(key: number, value: number): StorageOp {
  return { type: 'put', key: Uint8Array.of(key), value: Uint8Array.of(value) }
}

async function opened(): Promise<{ storage: MemoryStorage; disk: RecordStorage }> {
  const storage = new MemoryStorage()
  const disk = new RecordStorage(storage, 'here')
  await disk.open()
  return { storage, disk }
}

async function loaded(storage: MemoryStorage): Promise<{ report: LoadReport; records: number[][] }> {
  const records: number[][] = []
  const report = await new RecordStorage(storage, 'here').load((key, payload) =>
    records.push([...key, ...payload]),
  )
  return { report, records }
}

describe('record storage', () => {
  it('gives back state records and keeps its own to itself', async () => {
    const { storage, disk } = await opened()
    await disk.load(() => undefined)
    await disk.writeMark()
    await disk.write([put(1, 10), put(2, 20)])
    await disk.write([{ type: 'delete', key: Uint8Array.of(1) }])
    const { report, records } = await loaded(storage)
    expect(records).toEqual([[2, 20]])
    expect(report).toMatchObject({
      records: 1,
      damagedKeys: [],
      missingBatches: 0,
      lastBatch: 3,
      marked: true,
    })
  })

  it('counts a damaged record, names its key and never serves it', async () => {
    const { storage, disk } = await opened()
    await disk.writeMark()
    await disk.write([put(1, 10), put(2, 20)])
    for (const [key, value] of await allPairs(storage)) {
      if (key[0] !== 1) continue
      const spoilt = Uint8Array.from(value)
      spoilt[spoilt.length - 1] = 11
      await storage.write([{ type: 'put', key, value: spoilt }])
    }
    const { report, records } = await loaded(storage)
    expect(records).toEqual([[2, 20]])
    expect(report).toMatchObject({ damagedKeys: [Uint8Array.of(1)] })
  })

  it('notices a batch that is gone from the middle', async () => {
    const { storage, disk } = await opened()
    await disk.writeMark()
    for (let i = 0; i < 5; i++) await disk.write([put(i, i)])
    const slots = (await allPairs(storage)).filter(([key]) => key[0] === 0xff && key.length > 2)
    const third = slots[2]?.[0] ?? new Uint8Array()
    await storage.write([{ type: 'delete', key: third }])
    expect((await loaded(storage)).report).toMatchObject({ missingBatches: 1, lastBatch: 6 })
  })

  it('puts damage and gaps right with the next batch of state, not before', async () => {
    const { storage, disk } = await opened()
    await disk.writeMark()
    for (let i = 0; i < 5; i++) await disk.write([put(i, i)])
    const third = (await allPairs(storage)).filter(([key]) => key[0] === 0xff && key.length > 2)[2]
    await storage.write([
      { type: 'delete', key: third?.[0] ?? new Uint8Array() },
      { type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(1, 2, 3, 4, 5) },
    ])
    const again = new RecordStorage(storage, 'here')
    await again.load(() => undefined)
    await again.writeMark()
    expect((await loaded(storage)).report).toMatchObject({
      missingBatches: 1,
      damagedKeys: [Uint8Array.of(1)],
    })
    await again.write([put(9, 9)])
    const { report, records } = await loaded(storage)
    expect(report).toMatchObject({ missingBatches: 0, damagedKeys: [], lastBatch: 8 })
    expect(records.map(([key]) => key)).toEqual([0, 2, 3, 4, 9])
  })

  it('gives the number of a failed batch to the next one, so that a failure is no gap', async () => {
    const { storage, disk } = await opened()
    await disk.writeMark()
    for (const lands of [false, true]) {
      storage.failWrites(() => ({ error: new Error('EIO'), lands }))
      await expect(disk.write([put(1, 1)])).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' })
      storage.failWrites(undefined)
      await disk.write([put(2, 2)])
    }
    expect((await loaded(storage)).report).toMatchObject({ missingBatches: 0, lastBatch: 3 })
  })

  it('refuses a newer format by name, and somebody else’s database', async () => {
    const { storage, disk } = await opened()
    await disk.writeMark()
    const mark = (await allPairs(storage))[0]?.[0] ?? new Uint8Array()
    const newer = new ByteWriter().string('hearsay store').varint(9).finish()
    const marks = (await allPairs(storage)).filter(([key]) => key.length === 2)
    expect(marks).toHaveLength(1)
    const key = marks[0]?.[0] ?? mark
    await storage.write([{ type: 'put', key, value: sealRecord(key, newer) }])
    await expect(disk.load(() => undefined)).rejects.toMatchObject({
      code: 'STORE_FORMAT_NEWER',
      message: expect.stringMatching(/format 9.*up to 1/),
    })
    const foreign = await opened()
    await foreign.storage.write([put(1, 1), put(2, 2)])
    await expect(foreign.disk.load(() => undefined)).rejects.toMatchObject({ code: 'STORE_NOT_OURS' })
  })
})
