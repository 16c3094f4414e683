/**
 * Batches over the commit queue: one operation of it carries them all, so the batch is as atomic as a single write. What
 * an operation found done already (a deletion of what is not there) gives the deltas of when it was done, as the single
 * writes do.
 */
import { HearsayError } from '../base/errors.ts'
import type { Batches, BatchOp, BatchOpResult, BatchResult } from './batch.ts'
import type { Delta } from './core/delta.ts'
import type { Stage } from './core/operation.ts'
import { checkKeyNames, earlierDeletion, itemOf } from './key-value-store.ts'
import { checkRoom, checkValue, LimitError, OPERATION_BYTES } from './store-limits.ts'
import type { StoreParts } from './store-parts.ts'
import { checkMemberNames } from './string-set-store.ts'

export class BatchStore implements Batches {
  readonly #parts: StoreParts

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  async write(ops: readonly BatchOp[]): Promise<BatchResult> {
    const { committer } = this.#parts
    const bytes = this.#check(ops)
    const kept = ops.map(ownCopy)
    const { result: results, deltas } = await committer.write((stage) => {
      let created = 0
      return kept.map((op, index) => {
        const result = named(index, () => this.#run(stage, op, created))
        if ('created' in result ? result.created : 'added' in result && result.added) created++
        return result
      })
    }, bytes)
    return { results, deltas: [...deltas, ...this.#earlier(kept, results, deltas)] }
  }

  /** @returns bytes of keys and values, and of what comes with them */
  #check(ops: readonly BatchOp[]): number {
    const { limits } = this.#parts
    const { batchOpsMax, batchBytesMax } = limits
    if (ops.length > batchOpsMax) {
      throw new LimitError('STORE_BATCH_TOO_LARGE', `the batch has ${ops.length} operations`, batchOpsMax)
    }
    let bytes = 0
    for (const [index, op] of ops.entries()) bytes += named(index, () => this.#bytesOf(op))
    if (bytes > batchBytesMax) {
      const message = `the keys and values of the batch are ${bytes} bytes`
      throw new LimitError('STORE_BATCH_TOO_LARGE', message, batchBytesMax)
    }
    return bytes + ops.length * OPERATION_BYTES
  }

  #bytesOf(op: BatchOp): number {
    const { limits } = this.#parts
    if ('set' in op) return checkMemberNames(op.set, op.member, limits)
    const names = checkKeyNames(op.map, op.key, limits)
    return op.op === 'put' ? names + checkValue(op.value, limits) : names
  }

  /** @param created entries that the batch has created so far */
  #run(stage: Stage, op: BatchOp, created: number): BatchOpResult {
    const { entries, limits } = this.#parts
    switch (op.op) {
      case 'put': {
        const isNew = stage.getEntry(op.map, op.key) === undefined
        if (isNew) checkRoom(entries() + created, limits)
        const entry = stage.put(op.map, op.key, op.value, op.expiresAtMs)
        return { op: 'put', created: isNew, item: itemOf(op.key, entry) }
      }
      case 'delete':
        return { op: 'delete', existed: stage.delete(op.map, op.key) !== undefined }
      case 'add':
        if (!stage.hasMember(op.set, op.member)) checkRoom(entries() + created, limits)
        return { op: 'add', added: stage.addMember(op.set, op.member) }
      case 'remove':
        return { op: 'remove', existed: stage.removeMember(op.set, op.member) }
    }
  }

  /** Notes the removals, and looks up what was found done. @param deltas one for each operation that changed something */
  #earlier(ops: readonly BatchOp[], results: readonly BatchOpResult[], deltas: readonly Delta[]): Delta[] {
    const { removals, state } = this.#parts
    const earlier: Delta[] = []
    let index = 0
    for (const [i, op] of ops.entries()) {
      const result = results[i]
      const changed = result !== undefined && (!('existed' in result) || result.existed)
      const delta = changed ? deltas[index++] : undefined
      if (op.op === 'remove') {
        if (delta === undefined) earlier.push(...removals.of(op.set, op.member))
        else removals.remember(op.set, op.member, [delta])
      } else if (op.op === 'delete' && delta === undefined) {
        earlier.push(...earlierDeletion(state, op.map, op.key))
      }
    }
    return earlier
  }
}

/** Says which operation it was that could not be done. */
class OperationError extends HearsayError {
  override readonly name = 'OperationError'
  readonly limit: number | undefined

  constructor(index: number, cause: HearsayError) {
    super(cause.code, `ops[${index}]: ${cause.message}`, { cause })
    this.limit = cause instanceof LimitError ? cause.limit : undefined
  }
}

function named<T>(index: number, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof HearsayError ? new OperationError(index, error) : error
  }
}

/** The caller keeps its buffers. */
function ownCopy(op: BatchOp): BatchOp {
  if (op.op !== 'put') return op
  return { ...op, value: { contentType: op.value.contentType, bytes: new Uint8Array(op.value.bytes) } }
}
