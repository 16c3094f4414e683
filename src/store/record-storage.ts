/**
 * Record storage: a Storage on which every value is sealed with a checksum, every batch is numbered, and the format
 * version stands in a record of its own.
 *
 * Key space: keys that begin with byte 255 are ours (`ff 'f'` format, `ff 'b' slot` batch numbers); all others belong to
 * the state (core/disk-layout.ts) and pass through. Values of both kinds are sealed (checked-record.ts).
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import { formatNewer, STORE_FORMAT } from './actor-file.ts'
import { decodeSequence, encodeSequence, SequenceCheck, slotOf } from './batch-sequence.ts'
import { sealRecord, unsealRecord } from './checked-record.ts'
import type { LoadReport } from './core/load-report.ts'
import type { StorageOp } from './core/storage-op.ts'
import type { Storage, StorageManifest } from './storage.ts'

const RESERVED = 0xff
const FORMAT_KIND = 0x66
const BATCH_KIND = 0x62
const FORMAT_KEY: Uint8Array = Uint8Array.of(RESERVED, FORMAT_KIND)
const MAGIC = 'hearsay store'

export class RecordStorage {
  readonly #storage: Storage
  /** Named in errors. */
  readonly #place: string
  #sequence = 0
  /** What the next batch of state puts right: see `load`. */
  #repairs: readonly StorageOp[] = []

  constructor(storage: Storage, place: string) {
    this.#storage = storage
    this.#place = place
  }

  get manifest(): StorageManifest {
    return this.#storage.manifest
  }

  get lastBatch(): number {
    return this.#sequence
  }

  open(): Promise<void> {
    // One that is gone, with its disk perhaps, is not begun anew by those who hold what stood in it.
    return this.#storage.open(this.#sequence > 0)
  }

  close(): Promise<void> {
    return this.#storage.close()
  }

  /**
   * Reads everything once, giving each intact state record to `visit`. Damaged ones are reported and left out. They go,
   * and the gaps in the batch numbers are closed, with the next `write`: only then, because that batch also takes back
   * what the stored contexts claim of them (core/state-loader.ts), and a restart must see neither or both.
   * @throws HearsayError `STORE_FORMAT_NEWER`, `STORE_NOT_OURS` (records, none of them ours), `STORE_DAMAGED`
   */
  async load(visit: (key: Uint8Array, payload: Uint8Array) => void): Promise<LoadReport> {
    const sequence = new SequenceCheck()
    const damagedKeys: Uint8Array[] = []
    let [records, marked] = [0, false]
    for await (const page of this.#storage.scan()) {
      for (const [key, sealed] of page) {
        const payload = unsealRecord(key, sealed)
        if (payload === undefined) {
          damagedKeys.push(new Uint8Array(key))
        } else if (key[0] !== RESERVED) {
          records++
          visit(key, payload)
        } else if (key[1] === FORMAT_KIND) {
          this.#checkFormat(payload)
          marked = true
        } else if (key[1] === BATCH_KIND) {
          sequence.add(new ByteReader(key, 2).varint(), decodeSequence(payload))
        }
      }
    }
    const { last, missing } = sequence.verdict()
    if (!marked && damagedKeys.length > 0 && records === 0 && last === 0) {
      throw new HearsayError(
        'STORE_NOT_OURS',
        `${this.#place} holds a database of something else than hearsay`,
      )
    }
    this.#sequence = last
    this.#repairs = [
      // Of our own records the format is marked anew, and a batch number counts as missing.
      ...damagedKeys.filter((key) => key[0] !== RESERVED).map((key) => ({ type: 'delete', key }) as const),
      ...missing.map(slotOp),
    ]
    return { records, damagedKeys, missingBatches: missing.length, lastBatch: last, marked }
  }

  /** Writes the format record; also how a storage proves that it takes writes again. */
  writeMark(): Promise<void> {
    const value = new ByteWriter(24).string(MAGIC).varint(STORE_FORMAT).finish()
    return this.#writeBatch([sealed({ type: 'put', key: FORMAT_KEY, value })])
  }

  /** Atomic and durable like Storage.write. A batch that failed gives its number to the next one. */
  async write(ops: readonly StorageOp[]): Promise<void> {
    await this.#writeBatch([...this.#repairs, ...ops.map(sealed)])
    this.#repairs = []
  }

  async #writeBatch(ops: readonly StorageOp[]): Promise<void> {
    const sequence = this.#sequence + 1
    await this.#storage.write([...ops, slotOp(sequence)])
    this.#sequence = sequence
  }

  #checkFormat(payload: Uint8Array): void {
    const reader = new ByteReader(payload)
    reader.string()
    const format = reader.varint()
    if (format > STORE_FORMAT) throw formatNewer(this.#place, format)
  }
}

function sealed(op: StorageOp): StorageOp {
  return op.type === 'put' ? { type: 'put', key: op.key, value: sealRecord(op.key, op.value) } : op
}

function slotOp(sequence: number): StorageOp {
  const key = new ByteWriter(8).u8(RESERVED).u8(BATCH_KIND).varint(slotOf(sequence)).finish()
  return sealed({ type: 'put', key, value: encodeSequence(sequence) })
}
