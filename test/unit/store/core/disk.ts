/** The storage of a test: pairs that batches are applied to. */
import type { StorageOp } from '../../../../src/store/core/storage-op.ts'

export class TestDisk {
  readonly #pairs = new Map<string, readonly [Uint8Array, Uint8Array]>()

  write(ops: readonly StorageOp[]): void {
    for (const op of ops) {
      const name = Buffer.from(op.key).toString('hex')
      if (op.type === 'put') this.#pairs.set(name, [op.key, op.value])
      else this.#pairs.delete(name)
    }
  }

  get pairs(): (readonly [Uint8Array, Uint8Array])[] {
    return [...this.#pairs.values()]
  }
}
