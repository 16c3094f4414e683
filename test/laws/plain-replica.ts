/**
 * The joins of peers.md section 3 written down once more, as plainly as possible and sharing no code with src/crdt, with
 * a switch for each deliberate mistake. With all switches off it must pass the oracle; with any one on it must not.
 */
import type { ActorId } from '../../src/base/names.ts'
import { CausalContext } from '../../src/crdt/context.ts'
import type { Dot } from '../../src/crdt/dot.ts'
import type { Delta, FullState, MapEntry, MapPut, RecordPut, SetAdd } from '../../src/store/core/delta.ts'
import { FAR_MS, NOTHING, type Replica } from './replica.ts'

/** `stamps-first`: LWW without asking the context. `covered-ignored`: removals not applied. `over-claimed`: a dot claims all before it. */
export type Mistake = 'stamps-first' | 'covered-ignored' | 'over-claimed'

const name = (dot: Dot): string => `${dot.actor}:${dot.n}`
const cell = (container: string, key: string): string => `${container}\0${key}`

export class PlainReplica implements Replica {
  readonly #actor: ActorId
  readonly #mistake: Mistake | undefined
  #n = 0
  #logicalMs = 0
  #seen = new Map<string, Dot>()
  #puts = new Map<string, MapPut>()
  #adds = new Map<string, SetAdd>()
  #records = new Map<string, RecordPut>()

  constructor(actor: ActorId, mistake?: Mistake) {
    this.#actor = actor
    this.#mistake = mistake
  }

  put(map: string, key: string, text: string, nowMs: number): Delta {
    return this.#write(map, key, text, nowMs)
  }

  delete(map: string, key: string, nowMs: number): Delta {
    const held = this.#puts.get(cell(map, key))
    return held?.entry.value === undefined ? NOTHING : this.#write(map, key, undefined, nowMs)
  }

  add(set: string, member: string): Delta {
    const covered = this.#dotsOf(set, member)
    return this.#own({ ...NOTHING, adds: [{ set, member, dot: this.#nextDot() }], covered })
  }

  remove(set: string, member: string): Delta {
    return this.#own({ ...NOTHING, covered: this.#dotsOf(set, member) })
  }

  record(table: string, key: string, versionNs: bigint, text: string): Delta {
    const record = { versionNs, bytes: new TextEncoder().encode(text), expiresAtMs: FAR_MS }
    return this.#own({ ...NOTHING, records: [{ table, key, record }] })
  }

  join(delta: Delta): Delta {
    return this.#apply(delta, this.#mistake)
  }

  joinFull(full: FullState): void {
    const theirs = new Map(full.puts.map((put) => [cell(put.map, put.key), put]))
    for (const at of new Set([...this.#puts.keys(), ...theirs.keys()])) {
      const [a, b] = [this.#puts.get(at), theirs.get(at)]
      const same = a !== undefined && b !== undefined && name(a.entry.dot) === name(b.entry.dot)
      const trusting = same || this.#mistake === 'stamps-first'
      const keepA = a !== undefined && (trusting || !full.context.has(a.entry.dot)) ? a : undefined
      const keepB = b !== undefined && (trusting || !this.#seen.has(name(b.entry.dot))) ? b : undefined
      const winner = keepA && keepB ? (isNewer(keepB.entry, keepA.entry) ? keepB : keepA) : (keepA ?? keepB)
      if (winner === undefined) this.#puts.delete(at)
      else this.#puts.set(at, winner)
    }
    const theirAdds = new Set(full.adds.map(({ dot }) => name(dot)))
    for (const [dot, add] of this.#adds) {
      if (full.context.has(add.dot) && !theirAdds.has(dot)) this.#adds.delete(dot)
    }
    for (const add of full.adds) if (!this.#seen.has(name(add.dot))) this.#adds.set(name(add.dot), add)
    for (const put of full.records) this.#record(put)
    for (const actor of full.context.actors()) {
      for (const { first, last } of full.context.intervals(actor)) {
        for (let n = first; n <= last; n++) this.#see({ actor, n })
      }
    }
  }

  fullState(): FullState {
    const context = new CausalContext()
    context.addAll(this.#seen.values())
    return {
      context,
      puts: [...this.#puts.values()],
      adds: [...this.#adds.values()],
      records: [...this.#records.values()],
    }
  }

  dropTombstones(): void {
    for (const [at, { entry }] of this.#puts) if (entry.value === undefined) this.#puts.delete(at)
  }

  #apply(delta: Delta, mistake: Mistake | undefined): Delta {
    const before = this.#seen.size
    for (const put of delta.puts) {
      const isNew = this.#see(put.entry.dot)
      if (!isNew && mistake !== 'stamps-first') continue
      const at = cell(put.map, put.key)
      const held = this.#puts.get(at)
      if (held === undefined || isNewer(put.entry, held.entry)) this.#puts.set(at, put)
    }
    for (const add of delta.adds) if (this.#see(add.dot)) this.#adds.set(name(add.dot), add)
    for (const dot of delta.covered) {
      if (mistake !== 'covered-ignored') this.#adds.delete(name(dot))
      this.#see(dot)
    }
    if (mistake === 'over-claimed') {
      for (const { actor, n } of delta.puts.map(({ entry }) => entry.dot)) {
        for (let earlier = 1; earlier < n; earlier++) this.#see({ actor, n: earlier })
      }
    }
    for (const put of delta.records) this.#record(put)
    return this.#seen.size > before ? delta : NOTHING
  }

  #own(delta: Delta): Delta {
    this.#apply(delta, undefined)
    return delta
  }

  #write(map: string, key: string, text: string | undefined, nowMs: number): Delta {
    const held = this.#puts.get(cell(map, key))
    this.#logicalMs = Math.max(nowMs, this.#logicalMs + 1, (held?.entry.stamp.ms ?? 0) + 1)
    const dot = this.#nextDot()
    const stamp = { epoch: 0, ms: this.#logicalMs, logical: 0, actor: this.#actor }
    const value =
      text === undefined ? undefined : { contentType: 'text/plain', bytes: new TextEncoder().encode(text) }
    const entry: MapEntry = { dot, stamp, value, expiresAtMs: undefined }
    return this.#own({ ...NOTHING, puts: [{ map, key, entry }], covered: held ? [held.entry.dot] : [] })
  }

  #nextDot(): Dot {
    return { actor: this.#actor, n: ++this.#n }
  }

  #dotsOf(set: string, member: string): Dot[] {
    return [...this.#adds.values()]
      .filter((add) => add.set === set && add.member === member)
      .map(({ dot }) => dot)
  }

  #see(dot: Dot): boolean {
    const isNew = !this.#seen.has(name(dot))
    this.#seen.set(name(dot), dot)
    return isNew
  }

  #record(put: RecordPut): void {
    const at = cell(put.table, put.key)
    const held = this.#records.get(at)?.record
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
    const { versionNs, bytes } = put.record
    if (
      held === undefined ||
      versionNs > held.versionNs ||
      (versionNs === held.versionNs && text(bytes) > text(held.bytes))
    ) {
      this.#records.set(at, put)
    }
  }
}

function isNewer(a: MapEntry, b: MapEntry): boolean {
  if (a.stamp.ms !== b.stamp.ms) return a.stamp.ms > b.stamp.ms
  if (a.stamp.logical !== b.stamp.logical) return a.stamp.logical > b.stamp.logical
  return a.stamp.actor > b.stamp.actor
}
