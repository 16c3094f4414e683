/** The faults that memory storage can be told to have. The contract itself: test/contract/storage.test.ts. */
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/store/memory-storage.ts'
import { allPairs } from '../../contract/storage.contract.ts'

const one = { type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(1) } as const

async function opened(): Promise<MemoryStorage> {
  const storage = new MemoryStorage()
  await storage.open()
  return storage
}

describe('memory storage told to fail', () => {
  it('tells a full disk from other failures by the text of the error', async () => {
    const storage = await opened()
    storage.failWrites(() => ({ error: new Error('IO error: 000003.log: No space left on device') }))
    await expect(storage.write([one])).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
    storage.failWrites(() => ({ error: new Error('IO error: Input/output error') }))
    await expect(storage.write([one])).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' })
    expect(await allPairs(storage)).toEqual([])
  })

  it('may keep the batch it refused, as a disk after a failed sync', async () => {
    const storage = await opened()
    storage.failWrites(() => ({ error: new Error('EIO'), lands: true }))
    await expect(storage.write([one])).rejects.toThrow()
    storage.failWrites(undefined)
    expect(await allPairs(storage)).toHaveLength(1)
  })

  it('can refuse to open', async () => {
    const storage = new MemoryStorage()
    storage.failOpens(() => new Error('no'))
    await expect(storage.open()).rejects.toThrow('no')
    storage.failOpens(undefined)
    await storage.open()
    expect(await allPairs(storage)).toEqual([])
  })
})
