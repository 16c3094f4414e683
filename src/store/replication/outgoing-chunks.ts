/**
 * Our half of a transfer: items go out in chunks of at most 64 KiB, at most four of them unacknowledged, so that neither
 * memory nor the peer's commit queue runs full.
 *
 * They leave in the order of their dots. In any other order the receiver's context would break into as many intervals as
 * items are missing between them: 25,000 for 100,000 items in the order of a disk. Sorting a million items at once would
 * stop everything for a second, so each slice of the scan is sorted by itself, and the sorted runs are merged as they leave.
 */
import { Heap } from '../../base/heap.ts'
import type { Delta, MapPut, RecordPut, SetAdd } from '../core/delta.ts'
import { encodeDelta } from '../core/delta-codec.ts'
import type { StateItem } from '../core/state-item.ts'
import { type Line, LineMeasure } from './line-measure.ts'

export const CHUNK_BYTES_MAX: number = 64 * 1024
export const CHUNKS_UNACKNOWLEDGED_MAX = 4
/** Left free in each chunk: names are given anew in each, and were measured with the line that brought them first. */
const NAMES_BYTES = 4096
/** Items looked up at once. */
const READ_ITEMS = 64

export interface OutgoingDeps {
  readonly read: (items: Iterable<StateItem>) => Delta
  readonly send: (sequence: number, last: boolean, delta: Uint8Array, lines: number) => void
}

export class OutgoingChunks {
  readonly #deps: OutgoingDeps
  /** By actor; the last run of each is the one being filled. */
  readonly #runs = new Map<string, StateItem[][]>()
  readonly #dotless: StateItem[] = []
  #run = new Map<string, StateItem[]>()
  #items: Iterator<StateItem> | undefined
  #lines: Line[] = []
  #taken = 0
  readonly #measure = new LineMeasure()
  #isExhausted = false
  #sequence = 0
  readonly #unacknowledged = new Set<number>()

  constructor(deps: OutgoingDeps) {
    this.#deps = deps
  }

  get isEmpty(): boolean {
    return this.#runs.size === 0 && this.#run.size === 0 && this.#dotless.length === 0
  }

  get isStarted(): boolean {
    return this.#items !== undefined
  }

  /** Everything was sent and acknowledged. */
  get isDone(): boolean {
    return this.#isExhausted && this.#unacknowledged.size === 0
  }

  add(item: StateItem): void {
    if (item.dot === undefined) this.#dotless.push(item)
    else {
      const run = this.#run.get(item.dot.actor)
      if (run === undefined) this.#run.set(item.dot.actor, [item])
      else run.push(item)
    }
  }

  /** Sorts what was added since the last call. */
  endRun(): void {
    for (const [actor, run] of this.#run) {
      run.sort((a, b) => numberOf(a) - numberOf(b))
      const runs = this.#runs.get(actor)
      if (runs === undefined) this.#runs.set(actor, [run])
      else runs.push(run)
    }
    this.#run = new Map()
  }

  /** Sends the first chunks. Nothing may be added any more. Always ends with a chunk that is the last, if an empty one. */
  start(): void {
    this.endRun()
    this.#items = inDotOrder([...this.#runs.values()], this.#dotless)
    this.#pump()
  }

  acknowledged(sequence: number): void {
    if (this.#unacknowledged.delete(sequence)) this.#pump()
  }

  /** The peer says that everything is there. */
  allAcknowledged(): void {
    if (this.#isExhausted) this.#unacknowledged.clear()
  }

  #pump(): void {
    while (!this.#isExhausted && this.#unacknowledged.size < CHUNKS_UNACKNOWLEDGED_MAX) {
      const lines = this.#nextLines()
      this.#isExhausted = !this.#refill()
      const sequence = this.#sequence++
      this.#unacknowledged.add(sequence)
      this.#deps.send(sequence, this.#isExhausted, encodeDelta(deltaOf(lines)), lines.length)
    }
  }

  #nextLines(): Line[] {
    const lines: Line[] = []
    let bytes = 0
    while (this.#refill()) {
      const line = this.#lines[this.#taken]
      if (line === undefined || (lines.length > 0 && bytes + line.bytes > CHUNK_BYTES_MAX - NAMES_BYTES))
        break
      lines.push(line)
      bytes += line.bytes
      this.#taken++
    }
    return lines
  }

  /** Sees to it that the next line is read. @returns false when there is none */
  #refill(): boolean {
    while (this.#taken >= this.#lines.length) {
      const some: StateItem[] = []
      while (some.length < READ_ITEMS) {
        const next = this.#items?.next()
        if (next === undefined || next.done === true) break
        some.push(next.value)
      }
      if (some.length === 0) return false
      this.#lines = this.#measure.lines(this.#deps.read(some))
      this.#taken = 0
    }
    return true
  }
}

function numberOf(item: StateItem): number {
  return item.dot?.n ?? 0
}

function* inDotOrder(
  actors: readonly (readonly StateItem[][])[],
  dotless: readonly StateItem[],
): Generator<StateItem> {
  for (const runs of actors) {
    const heap = new Heap<{ readonly run: readonly StateItem[]; at: number }>()
    const push = (run: readonly StateItem[], at: number): void => {
      const item = run[at]
      if (item !== undefined) heap.push(numberOf(item), { run, at })
    }
    for (const run of runs) push(run, 0)
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const { run, at } = top.value
      const item = run[at]
      if (item !== undefined) yield item
      push(run, at + 1)
    }
  }
  yield* dotless
}

function deltaOf(lines: readonly Line[]): Delta {
  const delta = { puts: [] as MapPut[], adds: [] as SetAdd[], covered: [], records: [] as RecordPut[] }
  for (const { put, add, record } of lines) {
    if (put !== undefined) delta.puts.push(put)
    if (add !== undefined) delta.adds.push(add)
    if (record !== undefined) delta.records.push(record)
  }
  return delta
}
