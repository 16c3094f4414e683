/**
 * What every Storage must do, whoever wrote it. `place` stands for where the pairs live: opening the same place again
 * after a close, through a new object where the engine is durable, finds them.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StorageOp } from '../../src/store/core/storage-op.ts'
import type { Storage, StoragePair } from '../../src/store/storage.ts'

export interface StorageContractOptions {
  readonly name: string
  /** A storage on a fresh place, and how to reach the same place again. */
  readonly fresh: () => {
    readonly storage: Storage
    readonly again: () => Storage
    readonly remove: () => void
  }
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

function put(key: Uint8Array, value: Uint8Array): StorageOp {
  return { type: 'put', key, value }
}

export async function allPairs(storage: Storage): Promise<StoragePair[]> {
  const pairs: StoragePair[] = []
  for await (const page of storage.scan()) pairs.push(...page)
  return pairs
}

/** As plain arrays, so that Buffer and Uint8Array compare equal. */
async function listing(storage: Storage): Promise<number[][][]> {
  return (await allPairs(storage)).map(([key, value]) => [[...key], [...value]])
}

export function runStorageContract(options: StorageContractOptions): void {
  describe(`the storage contract, kept by ${options.name}`, () => {
    let place: ReturnType<StorageContractOptions['fresh']>
    let storage: Storage

    beforeEach(async () => {
      place = options.fresh()
      storage = place.storage
      await storage.open()
    })

    afterEach(async () => {
      await storage.close()
      place.remove()
    })

    it('a fresh place is empty', async () => {
      expect(await listing(storage)).toEqual([])
    })

    it('gives pairs in the order of unsigned key bytes', async () => {
      await storage.write([put(bytes(255), bytes(1)), put(bytes(1, 0), bytes(2)), put(bytes(1), bytes(3))])
      await storage.write([put(bytes(128), bytes(4))])
      expect(await listing(storage)).toEqual([
        [[1], [3]],
        [[1, 0], [2]],
        [[128], [4]],
        [[255], [1]],
      ])
    })

    it('keeps empty values and every byte of a key and value', async () => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      await storage.write([put(every, every), put(bytes(0), bytes())])
      expect(await listing(storage)).toEqual([
        [[0], []],
        [[...every], [...every]],
      ])
    })

    it('lets a later line of a batch win over an earlier one', async () => {
      await storage.write([put(bytes(1), bytes(1)), put(bytes(2), bytes(1))])
      await storage.write([
        { type: 'delete', key: bytes(1) },
        put(bytes(1), bytes(9)),
        put(bytes(2), bytes(8)),
        { type: 'delete', key: bytes(2) },
        { type: 'delete', key: bytes(77) },
      ])
      expect(await listing(storage)).toEqual([[[1], [9]]])
    })

    it('takes an empty batch', async () => {
      await storage.write([])
      expect(await listing(storage)).toEqual([])
    })

    it('does not hold on to the buffers of a resolved write', async () => {
      const key = bytes(1)
      const value = bytes(2)
      await storage.write([put(key, value)])
      key[0] = 7
      value[0] = 7
      expect(await listing(storage)).toEqual([[[1], [2]]])
    })

    it('pages through more pairs than fit on one page', async () => {
      const ops = Array.from({ length: 2500 }, (_, i) => put(bytes(i >> 8, i & 255), bytes(i & 255)))
      await storage.write(ops)
      const pages: number[] = []
      for await (const page of storage.scan()) pages.push(page.length)
      expect(pages.length).toBeGreaterThan(1)
      expect(pages.reduce((sum, length) => sum + length, 0)).toBe(2500)
    })

    it('can be closed and opened again after a scan that was left in the middle', async () => {
      await storage.write(Array.from({ length: 2500 }, (_, i) => put(bytes(i >> 8, i & 255), bytes(1))))
      for await (const page of storage.scan()) {
        expect(page.length).toBeGreaterThan(0)
        break
      }
      await storage.close()
      storage = place.again()
      await storage.open()
      expect(await listing(storage)).toHaveLength(2500)
    })

    it('finds the pairs again after a close and an open', async () => {
      await storage.write([put(bytes(1), bytes(2))])
      await storage.close()
      storage = place.again()
      await storage.open()
      expect(await listing(storage)).toEqual([[[1], [2]]])
    })

    it('closes twice without complaint and refuses work in between opens', async () => {
      await storage.close()
      await storage.close()
      await expect(storage.write([put(bytes(1), bytes(1))])).rejects.toMatchObject({ code: 'STORE_CLOSED' })
      await expect(allPairs(storage)).rejects.toMatchObject({ code: 'STORE_CLOSED' })
      await storage.open()
      expect(await listing(storage)).toEqual([])
    })

    it('refuses a second open of the same place, and the first goes on', async () => {
      if (!storage.manifest.exclusive) return
      await expect(place.again().open()).rejects.toMatchObject({ code: 'STORE_LOCKED' })
      await storage.write([put(bytes(1), bytes(1))])
      expect(await listing(storage)).toEqual([[[1], [1]]])
    })
  })
}
