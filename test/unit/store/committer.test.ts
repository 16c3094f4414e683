/** Group commit and what happens after a failed write, over a scripted queue and a disk that fails when told to. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import { type CommitDisk, type CommitSource, Committer, LINGER_MS } from '../../../src/store/committer.ts'
import type { Batch } from '../../../src/store/core/commit-queue.ts'
import type { Delta } from '../../../src/store/core/delta.ts'
import type { Operation, Outcome, Stage } from '../../../src/store/core/operation.ts'
import { SILENT_LOG } from '../../../src/store/core/store-log.ts'

const STAGE = { nowMs: 0 } as Stage
const DELTA: Delta = {
  puts: [],
  adds: [],
  covered: [{ actor: actorId('a'.repeat(32)), n: 1 }],
  records: [],
}

/** Takes everything that waits into one batch; remote changes stay until a batch with them succeeds. */
class ScriptedQueue implements CommitSource {
  waiting: Operation[] = []
  flying: Operation[] = []
  flushed: ((ok: boolean) => void)[] = []
  remote = 0

  get hasWork(): boolean {
    return this.waiting.length + this.remote > 0
  }

  get isDue(): boolean {
    return this.waiting.length + this.flushed.length > 0
  }

  submit(operation: Operation): void {
    this.waiting.push(operation)
  }

  begin(): Batch | undefined {
    if (!this.hasWork) return undefined
    this.flying = this.waiting.splice(0).filter((operation) => {
      try {
        operation.run(STAGE)
        return true
      } catch (error) {
        operation.done({ ok: false, error: error as Error })
        return false
      }
    })
    if (this.flying.length + this.remote === 0) return undefined
    const op = { type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(1) } as const
    return { ops: new Array(this.flying.length + this.remote).fill(op), operations: this.flying.length }
  }

  flush(done: (ok: boolean) => void): void {
    this.flushed.push(done)
    this.remote++
  }

  abandon(error: Error): void {
    for (const operation of this.waiting.splice(0)) operation.done({ ok: false, error })
    for (const done of this.flushed.splice(0)) done(false)
  }

  finish(outcome: Outcome): { readonly committed: readonly Delta[] } {
    if (outcome.ok) this.remote = 0
    for (const done of this.flushed.splice(0)) done(outcome.ok)
    for (const operation of this.flying.splice(0))
      operation.done(outcome.ok ? { ok: true, deltas: [DELTA] } : outcome)
    return { committed: [DELTA] }
  }
}

class ScriptedDisk implements CommitDisk {
  readonly events: string[] = []
  readonly batchSizes: number[] = []
  /** Errors of the next writes, opens and marks, in order; undefined entries pass. */
  failures: Partial<Record<'open' | 'close' | 'write' | 'mark', (Error | undefined)[]>> = {}
  /** Set: writes wait for `release`. */
  gate: Promise<void> | undefined
  release: () => void = () => undefined

  hold(): void {
    this.gate = new Promise((resolve) => {
      this.release = () => {
        this.gate = undefined
        resolve()
      }
    })
  }

  #step(kind: 'open' | 'close' | 'write' | 'mark'): void {
    const error = this.failures[kind]?.shift()
    this.events.push(error === undefined ? kind : `${kind} failed`)
    if (error !== undefined) throw error
  }

  async open(): Promise<void> {
    this.#step('open')
  }

  async close(): Promise<void> {
    this.#step('close')
  }

  async write(ops: readonly unknown[]): Promise<void> {
    await this.gate
    this.#step('write')
    this.batchSizes.push(ops.length)
  }

  async writeMark(): Promise<void> {
    this.#step('mark')
  }
}

interface Rig {
  readonly queue: ScriptedQueue
  readonly disk: ScriptedDisk
  readonly committer: Committer
  readonly pauses: number[]
  readonly committed: Delta[]
  /** Ends the pause that the committer is in, waiting for it to begin. */
  wake(): Promise<void>
}

function rig(leaseReady: () => Promise<void> = async () => undefined): Rig {
  const queue = new ScriptedQueue()
  const disk = new ScriptedDisk()
  const pauses: number[] = []
  const committed: Delta[] = []
  let wake: (() => void) | undefined
  const committer = new Committer({
    source: queue,
    disk,
    leaseReady,
    wallMs: () => 0,
    monotonicMs: () => 0,
    pause: (durationMs, signal) =>
      new Promise((resolve) => {
        pauses.push(durationMs)
        wake = resolve
        signal.addEventListener('abort', () => resolve())
      }),
    onCommitted: (deltas) => committed.push(...deltas),
    log: SILENT_LOG,
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    queue,
    disk,
    committer,
    pauses,
    committed,
    wake: async () => {
      while (wake === undefined) await turn()
      wake()
      wake = undefined
      await turn()
    },
  }
}

describe('group commit', () => {
  it('takes 64 concurrent writers in one batch', async () => {
    const { disk, committer } = rig()
    const results = await Promise.all(Array.from({ length: 64 }, (_, i) => committer.write(() => i)))
    expect(results).toEqual(Array.from({ length: 64 }, (_, i) => ({ result: i, deltas: [DELTA] })))
    expect(disk.batchSizes).toEqual([64])
    expect(committer.stats).toMatchObject({ batches: 1, batchOps: 64 })
  })

  it('has one batch in flight; those who come meanwhile share the next', async () => {
    const { disk, committer, queue } = rig()
    disk.hold()
    const first = committer.write(() => 'first')
    while (queue.flying.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const rest = Promise.all([1, 2, 3].map((i) => committer.write(() => i)))
    await new Promise((resolve) => setImmediate(resolve))
    expect(disk.batchSizes).toEqual([])
    disk.release()
    expect((await first).result).toBe('first')
    expect((await rest).map(({ result }) => result)).toEqual([1, 2, 3])
    expect(disk.batchSizes).toEqual([1, 3])
  })

  it('rejects an operation that throws with its own error, and the others go on', async () => {
    const { committer } = rig()
    const failing = committer.write(() => {
      throw new Error('mine')
    })
    const fine = committer.write(() => 5)
    await expect(failing).rejects.toThrow('mine')
    expect((await fine).result).toBe(5)
    expect(committer.refusal).toBeUndefined()
  })

  it('reports what is durable to gossip before the writer hears of it', async () => {
    const { committer, committed } = rig()
    await committer.write(() => 1)
    expect(committed).toEqual([DELTA])
  })

  it('tells who asked for a flush when the batch is on disk, and at once when the disk refuses', async () => {
    const { disk, committer } = rig()
    const told: boolean[] = []
    disk.hold()
    committer.flush((ok) => told.push(ok))
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
    disk.release()
    await committer.write(() => 1)
    expect(told).toEqual([true])
    disk.failures.write = [new Error('disk')]
    await expect(committer.write(() => 1)).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' })
    committer.flush((ok) => told.push(ok))
    expect(told).toEqual([true, false])
  })

  it('writes remote changes without any local operation', async () => {
    const { committer, queue, disk } = rig()
    queue.remote = 2
    committer.kick()
    await committer.close()
    expect(disk.batchSizes).toEqual([2])
  })
})

describe('what came from a peer', () => {
  afterEach(() => void vi.useRealTimers())

  function lingering(): ReturnType<typeof rig> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const made = rig()
    made.queue.remote = 2
    made.committer.kick()
    return made
  }
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
  }

  it('waits for the next write of our own, and travels with it', async () => {
    const { committer, disk } = lingering()
    await turns()
    expect(disk.batchSizes).toEqual([])
    await committer.write(() => 1)
    expect([disk.batchSizes, vi.getTimerCount()]).toEqual([[3], 0])
  })

  it('waits no longer than a moment', async () => {
    const { disk } = lingering()
    await turns()
    vi.advanceTimersByTime(LINGER_MS - 1)
    await turns()
    expect(disk.batchSizes).toEqual([])
    vi.advanceTimersByTime(1)
    await turns()
    expect(disk.batchSizes).toEqual([2])
  })

  it('waits also after a batch of our own', async () => {
    const { committer, queue, disk } = lingering()
    disk.hold()
    const written = committer.write(() => 1)
    while (queue.flying.length === 0) await turns()
    disk.release()
    await written
    queue.remote = 4
    committer.kick()
    await turns()
    expect(disk.batchSizes).toEqual([3])
    await committer.write(() => 2)
    expect(disk.batchSizes).toEqual([3, 5])
  })

  it('does not wait when somebody waits for it', async () => {
    const { committer, disk } = lingering()
    await turns()
    await new Promise<boolean>((resolve) => committer.flush(resolve))
    expect(disk.batchSizes).toEqual([3])
  })
})

describe('after a failed write', () => {
  const eio = new Error('IO error: 000003.log: Input/output error')
  const full = new Error('IO error: 000003.log: No space left on device')

  it('acknowledges nothing of the batch, reopens, proves the disk by a write, and goes on', async () => {
    const { committer, disk, committed } = rig()
    disk.failures.write = [eio]
    const failed = await Promise.allSettled([committer.write(() => 1), committer.write(() => 2)])
    for (const result of failed) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'STORE_WRITE_FAILED' } })
    }
    expect(committed).toEqual([])
    while (committer.refusal !== undefined) await new Promise((resolve) => setImmediate(resolve))
    expect((await committer.write(() => 3)).result).toBe(3)
    expect(disk.events).toEqual(['write failed', 'close', 'open', 'mark', 'write'])
    expect(committer.stats).toMatchObject({ writeErrors: 1, reopens: 1, batches: 1 })
  })

  it('refuses a writer that tries again at once, before the disk has proved itself', async () => {
    const { committer, disk } = rig()
    disk.failures.write = [full]
    const again = committer.write(() => 1).catch(() => committer.write(() => 2))
    await expect(again).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
  })

  it('fails those who were waiting behind the batch too', async () => {
    const { committer, disk, queue } = rig()
    disk.hold()
    disk.failures.write = [full]
    const first = committer.write(() => 1)
    while (queue.flying.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const second = committer.write(() => 2)
    disk.release()
    await expect(first).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
    await expect(second).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
  })

  it('keeps trying with waits that double to a bound, saying why', async () => {
    const { committer, disk, pauses, wake } = rig()
    disk.failures.write = [eio]
    disk.failures.open = new Array<Error>(5).fill(full)
    disk.failures.mark = new Array<Error>(4).fill(eio)
    disk.failures.close = [eio]
    await expect(committer.write(() => 1)).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' })
    await wake()
    expect(committer.refusal?.code).toBe('STORE_DISK_FULL')
    await expect(committer.write(() => 1)).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
    for (let i = 0; i < 8; i++) await wake()
    while (committer.refusal !== undefined) await new Promise((resolve) => setImmediate(resolve))
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
    expect((await committer.write(() => 1)).result).toBe(1)
  })

  it('does not lose remote changes merged while the disk was away', async () => {
    const { committer, disk, queue, wake } = rig()
    disk.failures.write = [eio]
    disk.failures.open = [eio]
    await expect(committer.write(() => 1)).rejects.toThrow()
    queue.remote = 3
    committer.kick()
    await wake()
    await committer.close()
    expect(disk.batchSizes).toEqual([3])
  })

  it('treats a lease that cannot be extended as a failed write', async () => {
    let broken = true
    const { committer, wake } = rig(async () => {
      if (broken) throw full
    })
    await expect(committer.write(() => 1)).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
    broken = false
    await wake()
    while (committer.refusal !== undefined) await new Promise((resolve) => setImmediate(resolve))
    expect((await committer.write(() => 2)).result).toBe(2)
  })
})

describe('closing', () => {
  it('finishes what waits and refuses what comes', async () => {
    const { committer } = rig()
    const waiting = committer.write(() => 1)
    const closing = committer.close()
    await expect(committer.write(() => 2)).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    expect((await waiting).result).toBe(1)
    await closing
    await committer.close()
  })

  it('does not wait for a disk that never comes back', async () => {
    const { committer, disk, pauses } = rig()
    disk.failures.write = [new Error('EIO')]
    disk.failures.open = new Array<Error>(100).fill(new Error('EIO'))
    await expect(committer.write(() => 1)).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' })
    while (pauses.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await committer.close()
    expect(pauses).toHaveLength(1)
  })
})
