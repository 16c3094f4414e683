/** Opens a store on the real disk with the real clock, as the composition root does. */
import { randomBytes } from 'node:crypto'
import { type OpenStoreOptions, openStore } from '../../src/store/open-store.ts'
import type { StateStore } from '../../src/store/state-store.ts'

export function openHostStore(options: Partial<OpenStoreOptions> = {}): Promise<StateStore> {
  return openStore({
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    randomBytes,
    ...options,
  })
}
