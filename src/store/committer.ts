/**
 * The committer: moves what waits in the commit queue to the disk, one synced batch at a time.
 *
 * Group commit as at a ferry: while one batch is crossing, everyone who arrives waits on the quay, and all of them go
 * with the next one. With 64 writers one sync therefore serves about 64 writes instead of one. A turn of the event
 * loop passes before each departure, so that requests that arrived together travel together.
 *
 * Freight waits for passengers, up to 10 ms: what came from a peer is safe where it came from, and nobody is told that it is
 * on this disk. Three replicas that are written to in turns need half the syncs so.
 *
 * After any failed write the disk is not believed any more: LevelDB loses every later acknowledged write after one
 * full disk (reliability.md section 0, item 1). The batch and everything that waits fail, new writes are refused by
 * code, and the storage is closed, opened and written to, again and again (at once, then 50 ms doubling to 5 s), until
 * it has taken a write. Only then are writes accepted again. Reads and remote changes go on in memory all the while;
 * what was merged meanwhile is written with the first good batch.
 */
import { HearsayError } from '../base/errors.ts'
import { Histogram, type HistogramView } from '../base/histogram.ts'
import { LineRation } from '../base/line-ration.ts'
import type { Batch } from './core/commit-queue.ts'
import type { Delta } from './core/delta.ts'
import type { Operation, Outcome, Stage } from './core/operation.ts'
import type { StorageOp } from './core/storage-op.ts'
import type { StoreLog } from './core/store-log.ts'
import { writeError } from './storage.ts'
import { LimitError } from './store-limits.ts'

/** For how long what peers wrote waits for a write of our own to travel with. */
export const LINGER_MS = 10
const RETRY_FIRST_MS = 50
const RETRY_MAX_MS = 5000
const LIMIT_LINE_PERIOD_MS = 60_000
const BATCH_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
]

/** The part of CommitQueue that a committer drives. */
export interface CommitSource {
  readonly hasWork: boolean
  /** Whether it should not wait for more: somebody waits for it, or it fills a batch. */
  readonly isDue: boolean
  submit(operation: Operation): void
  begin(nowMs: number): Batch | undefined
  finish(outcome: Outcome, nowMs: number): { readonly committed: readonly Delta[] }
  flush(done: (ok: boolean) => void): void
  abandon(error: Error): void
}

/** The part of RecordStorage that a committer writes to. */
export interface CommitDisk {
  open(): Promise<void>
  close(): Promise<void>
  write(ops: readonly StorageOp[]): Promise<void>
  /** A small real write, as proof. */
  writeMark(): Promise<void>
}

export interface CommitterOptions {
  readonly source: CommitSource
  readonly disk: CommitDisk
  /** Undefined when enough dots are leased for a batch, else resolves then; rejects when the disk refuses the lease. */
  readonly leaseReady: () => Promise<void> | undefined
  readonly wallMs: () => number
  readonly monotonicMs: () => number
  /** Resolves after `durationMs`, or as soon as `signal` is aborted. */
  readonly pause: (durationMs: number, signal: AbortSignal) => Promise<void>
  readonly onCommitted: (deltas: readonly Delta[]) => void
  /** Why this replica may not write just now, for a reason outside of the store; asked at each local write. */
  readonly refusal?: () => HearsayError | undefined
  readonly log: StoreLog
}

/** What an operation returned, and what it wrote: one delta a mutation. */
export interface Written<T> {
  readonly result: T
  readonly deltas: readonly Delta[]
}

export interface CommitterStats {
  readonly batches: number
  readonly batchOps: number
  readonly lastBatchMs: number
  /** Of synced batch writes that went well. */
  readonly batchSeconds: HistogramView
  readonly writeErrors: number
  readonly reopens: number
  /** Writes that the bound on entries has refused. */
  readonly entriesRefused: number
}

export class Committer {
  readonly #options: CommitterOptions
  readonly #closing = new AbortController()
  /** Set while writes are refused. */
  #refusal: HearsayError | undefined
  #running: Promise<void> | undefined
  /** Ends the wait for a write of our own, while there is one. */
  #hurry: (() => void) | undefined
  #stopped = false
  #stats = {
    batches: 0,
    batchOps: 0,
    lastBatchMs: 0,
    batchSeconds: new Histogram(BATCH_BOUNDS),
    writeErrors: 0,
    reopens: 0,
    entriesRefused: 0,
  }

  readonly #ration = new LineRation(LIMIT_LINE_PERIOD_MS)

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  get stats(): CommitterStats {
    return this.#stats
  }

  /** Why writes are refused just now. */
  get refusal(): HearsayError | undefined {
    return this.#closing.signal.aborted ? closedError() : (this.#refusal ?? this.#options.refusal?.())
  }

  /**
   * Runs `operation` in the next batch. Resolves with its result and its deltas when that batch is durable.
   * @throws what `operation` threw; what `options.refusal` gave; HearsayError `STORE_DISK_FULL`, `STORE_WRITE_FAILED`, `STORE_OVERLOADED`, `STORE_CLOSED`
   */
  write<T>(operation: (stage: Stage) => T, bytes = 0): Promise<Written<T>> {
    const refusal = this.refusal
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      let result: { readonly value: T } | undefined
      this.#options.source.submit({
        bytes,
        run: (stage) => {
          result = { value: operation(stage) }
        },
        done: (outcome) => {
          if (outcome.ok && result !== undefined) resolve({ result: result.value, deltas: outcome.deltas })
          else if (!outcome.ok) {
            this.#noteRefused(outcome.error)
            reject(outcome.error)
          }
        },
      })
      this.kick()
    })
  }

  /** Who writes is told; who runs the store must learn of it too, once a minute. */
  #noteRefused(error: unknown): void {
    if (!(error instanceof LimitError) || error.code !== 'STORE_ENTRIES_MAX') return
    this.#stats.entriesRefused++
    const suppressed = this.#ration.take(error.code, this.#options.monotonicMs())
    if (suppressed === undefined) return
    const others = suppressed === 0 ? {} : { suppressed }
    this.#options.log.warn('limit_reached', { code: error.code, reason: error.message, ...others })
  }

  /** Calls back once everything joined so far is on disk, or with false when the disk refuses. */
  flush(done: (ok: boolean) => void): void {
    if (this.#refusal !== undefined || this.#closing.signal.aborted) {
      done(false)
      return
    }
    this.#options.source.flush(done)
    this.kick()
  }

  /** To be called when the source may have got work by another way than `write`. */
  kick(): void {
    if (this.#running !== undefined) {
      if (this.#isDue) this.#hurry?.()
    } else if (!this.#stopped && this.#options.source.hasWork) this.#running = this.#run()
  }

  /** Refuses new writes, finishes those that wait if the disk takes them, and stops. Does not close the disk. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.kick()
    // What peers say after the last run stays in memory: a write would find the disk closed, and recovery open it again.
    this.#stopped = true
    await this.#running
    this.#options.source.abandon(closedError())
  }

  /**
   * Until nothing waits. Rejects, and so ends the process, only when an invariant is broken.
   *
   * Only the first batch waits a turn. A later one leaves in the same turn in which the one before came back, ahead of
   * the answers to its writers: so the disk syncs while the answers go out and the next requests come in.
   */
  async #run(): Promise<void> {
    await turn()
    do {
      if (!this.#isDue) await this.#linger()
      const failure = await this.#commitOne()
      if (failure !== undefined) await this.#recover(failure)
    } while (this.#options.source.hasWork && !(this.#refusal !== undefined && this.#closing.signal.aborted))
    // In the same turn as the check above, so that no work slips in between.
    this.#running = undefined
  }

  get #isDue(): boolean {
    return this.#options.source.isDue || this.#closing.signal.aborted
  }

  async #linger(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LINGER_MS)
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#hurry = undefined
    await turn()
  }

  async #commitOne(): Promise<HearsayError | undefined> {
    const { source, disk } = this.#options
    const lease = this.#options.leaseReady()
    if (lease !== undefined) {
      try {
        await lease
      } catch (error) {
        return writeError(error)
      }
    }
    const batch = source.begin(this.#options.wallMs())
    if (batch === undefined) return undefined
    const startedMs = this.#options.monotonicMs()
    try {
      await disk.write(batch.ops)
    } catch (cause) {
      const error = writeError(cause)
      // From here on, before `done` of any operation runs: a caller that tries again at once is refused.
      this.#refusal = error
      source.finish({ ok: false, error }, this.#options.wallMs())
      return error
    }
    this.#stats.lastBatchMs = this.#options.monotonicMs() - startedMs
    this.#stats.batchSeconds.observe(this.#stats.lastBatchMs / 1000)
    this.#stats.batches++
    this.#stats.batchOps += batch.ops.length
    const { committed } = source.finish({ ok: true }, this.#options.wallMs())
    if (committed.length > 0) this.#options.onCommitted(committed)
    return undefined
  }

  async #recover(failure: HearsayError): Promise<void> {
    this.#refusal = failure
    this.#stats.writeErrors++
    this.#options.log.warn('store_write_failed', { code: failure.code, error: failure.message })
    this.#options.source.abandon(failure)
    for (let delayMs = RETRY_FIRST_MS; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      const error = await this.#reopen()
      if (error === undefined) break
      this.#refusal = error
      this.#options.log.warn('store_reopen_failed', { code: error.code, error: error.message })
      if (this.#closing.signal.aborted) return
      await this.#options.pause(delayMs, this.#closing.signal)
      if (this.#closing.signal.aborted) return
    }
    this.#refusal = undefined
    this.#stats.reopens++
    this.#options.log.info('store_reopened', { reopens: this.#stats.reopens })
  }

  /** Close, open, and prove by a write. @returns why it is still unusable */
  async #reopen(): Promise<HearsayError | undefined> {
    const { disk } = this.#options
    try {
      // A failed close is told by the open that follows: the lock is still held then.
      await disk.close().catch(() => undefined)
      await disk.open()
      await disk.writeMark()
      await this.#options.leaseReady()
      return undefined
    } catch (cause) {
      const error = writeError(cause)
      if (error.code === 'STORE_DISK_FULL' || error.code === 'STORE_WRITE_FAILED') return error
      return new HearsayError('STORE_WRITE_FAILED', error.message, { cause: error })
    }
  }
}

function closedError(): HearsayError {
  return new HearsayError('STORE_CLOSED', 'the store is closed')
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
