/** Runs the storage contract on both engines that ship. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStorage } from '../../src/store/level-storage.ts'
import { MemoryStorage } from '../../src/store/memory-storage.ts'
import { runStorageContract } from './storage.contract.ts'

runStorageContract({
  name: 'memory',
  fresh: () => {
    const storage = new MemoryStorage()
    return { storage, again: () => storage, remove: () => undefined }
  },
})

runStorageContract({
  name: 'LevelDB',
  fresh: () => {
    const path = mkdtempSync(join(tmpdir(), 'hearsay-contract-'))
    return {
      storage: new LevelStorage(path),
      again: () => new LevelStorage(path),
      remove: () => rmSync(path, { recursive: true, force: true }),
    }
  },
})
