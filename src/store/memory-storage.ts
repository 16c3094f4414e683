/**
 * Storage in memory: for replicas that keep nothing, for embedders' tests, and for ours.
 *
 * It holds every promise of the contract but durability, and it can be told to misbehave as disks do: `failWrites`
 * rejects writes until told otherwise, either losing the batch or, as after a failed fsync, keeping it. Pairs survive
 * `close` and `open` of the same object, so a restart is a matter of opening it again.
 */
import { compareBytes } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import type { StorageOp } from './core/storage-op.ts'
import { type Storage, type StorageManifest, type StoragePair, writeError } from './storage.ts'

const PAGE_PAIRS = 1000

export interface WriteFault {
  /** What the write rejects with; its text decides the code, as with a real disk. */
  readonly error: Error
  /** The failed batch is there all the same after the next open. Default false. */
  readonly lands?: boolean
}

export class MemoryStorage implements Storage {
  readonly manifest: StorageManifest = { engine: 'memory', durable: false, exclusive: true }
  /** By key bytes as a latin-1 string: one code unit a byte, so string order is byte order. */
  readonly #pairs = new Map<string, StoragePair>()
  readonly #keeps: boolean
  #open = false
  #fault: (() => WriteFault | undefined) | undefined
  #openFault: (() => Error | undefined) | undefined

  /**
   * @param options.keeps false: pairs are dropped at once, for a replica without a disk, whose state is in memory anyway.
   *   Default true.
   */
  constructor(options: { readonly keeps?: boolean } = {}) {
    this.#keeps = options.keeps ?? true
  }

  /** Asked before each write until replaced; undefined lets it pass. `failWrites(undefined)` heals the disk. */
  failWrites(fault: (() => WriteFault | undefined) | undefined): void {
    this.#fault = fault
  }

  /** The same for `open`. */
  failOpens(fault: (() => Error | undefined) | undefined): void {
    this.#openFault = fault
  }

  async open(): Promise<void> {
    if (this.#open) throw new HearsayError('STORE_LOCKED', 'this memory storage is already open')
    const error = this.#openFault?.()
    if (error !== undefined) throw error
    this.#open = true
  }

  async *scan(): AsyncIterable<readonly StoragePair[]> {
    this.#checkOpen()
    const pairs = [...this.#pairs.values()].sort((a, b) => compareBytes(a[0], b[0]))
    for (let from = 0; from < pairs.length; from += PAGE_PAIRS) yield pairs.slice(from, from + PAGE_PAIRS)
  }

  async write(ops: readonly StorageOp[]): Promise<void> {
    this.#checkOpen()
    const fault = this.#fault?.()
    if (fault === undefined || fault.lands === true) this.#apply(ops)
    if (fault !== undefined) throw writeError(fault.error)
  }

  #apply(ops: readonly StorageOp[]): void {
    if (!this.#keeps) return
    for (const op of ops) {
      const name = Buffer.from(op.key).toString('latin1')
      // Copies (a Buffer's slice would not be one): the caller may reuse its buffers once the write has resolved.
      if (op.type === 'put') this.#pairs.set(name, [new Uint8Array(op.key), new Uint8Array(op.value)])
      else this.#pairs.delete(name)
    }
  }

  async close(): Promise<void> {
    this.#open = false
  }

  #checkOpen(): void {
    if (!this.#open) throw new HearsayError('STORE_CLOSED', 'the storage is not open')
  }
}
