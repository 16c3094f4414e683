/**
 * The rules of peers.md section 3 written down once more, as plainly as possible and sharing no code with src/crdt, with
 * a switch for each deliberate mistake. With all switches off it must pass the oracle, and hold what production code holds
 * after each step; with any one on the oracle must notice.
 */
import type { ActorId } from '../../src/base/names.ts'
import { CausalContext } from '../../src/crdt/context.ts'
import type { Dot } from '../../src/crdt/dot.ts'
import type { Delta, FullState, MapEntry, MapPut, RecordPut, SetAdd } from '../../src/store/core/delta.ts'
import type { ReplicaStateOptions } from '../../src/store/core/replica-state.ts'
import { canonicalItems } from '../../src/testing/canonical-state.ts'
import { cellName, FAR_MS, NOTHING, type Part, type Replica } from './replica.ts'

export const MISTAKES = {
  'stamps-first': 'an entry whose dot was seen still wins by its stamp',
  'covered-ignored': 'what a delta removes stays',
  'over-claimed': 'a put claims all dots before its own',
  'united-early': 'the context is taken over after a partial sync',
  'retired-unseen': 'what a peer does not hold goes, seen by it or not',
  'never-retired': 'what a peer has seen and removed stays',
  'forgotten-dot': 'what is collected leaves the context too',
  'parked-claimed': 'the dot of a parked entry is claimed',
  'not-frozen': 'what is held under the key of a parked entry goes',
  'husk-loses': 'a husk gives way to any value',
  'late-dropped': 'what arrives after its time does not replace what is held',
} as const
export type Mistake = keyof typeof MISTAKES

const name = (dot: Dot): string => `${dot.actor}:${dot.n}`
const cellOf = ({ map, key }: MapPut): string => cellName('entry', map, key)

export class PlainReplica implements Replica {
  readonly #options: Required<Pick<ReplicaStateOptions, 'maxClockSkewMs' | 'tombstoneGraceMs'>>
  readonly #mistake: Mistake | undefined
  #actor: ActorId
  #n = 0
  #clock: Instant = { ms: 0, logical: 0 }
  #sweptMs = 0
  #seen = new Map<string, Dot>()
  #puts = new Map<string, MapPut>()
  #parked = new Map<string, MapPut>()
  /** By cell, the older writes that came while a newer one was parked. */
  #replaced = new Map<string, Dot[]>()
  #adds = new Map<string, SetAdd>()
  #records = new Map<string, RecordPut>()

  constructor(actor: ActorId, options: ReplicaStateOptions = {}, mistake?: Mistake) {
    this.#actor = actor
    this.#options = { maxClockSkewMs: 10_000, tombstoneGraceMs: 86_400_000, ...options }
    this.#mistake = mistake
  }

  put(map: string, key: string, text: string, nowMs: number, expiresAtMs?: number): Delta {
    return this.#write(map, key, text, nowMs, expiresAtMs)
  }

  delete(map: string, key: string, nowMs: number): Delta {
    const held = this.#puts.get(cellName('entry', map, key))?.entry
    if (held?.value === undefined || (held.expiresAtMs ?? FAR_MS) <= nowMs) return NOTHING
    return this.#write(map, key, undefined, nowMs, undefined)
  }

  add(set: string, member: string, nowMs: number): Delta {
    const covered = this.#dotsOf(set, member)
    return this.#own({ ...NOTHING, adds: [{ set, member, dot: this.#nextDot() }], covered }, nowMs)
  }

  remove(set: string, member: string, nowMs: number): Delta {
    return this.#own({ ...NOTHING, covered: this.#dotsOf(set, member) }, nowMs)
  }

  record(table: string, key: string, versionNs: bigint, text: string, nowMs: number): Delta {
    const record = { versionNs, bytes: new TextEncoder().encode(text), expiresAtMs: FAR_MS }
    return this.#own({ ...NOTHING, records: [{ table, key, record }] }, nowMs)
  }

  join(delta: Delta, nowMs: number): Delta {
    const limitMs = nowMs + this.#options.maxClockSkewMs
    const early = delta.puts.filter(({ entry }) => entry.stamp.ms > limitMs)
    if (early.length === 0) return this.#apply(delta, nowMs)
    for (const put of early) this.#park(put)
    const puts = delta.puts.filter((put) => !early.includes(put))
    return this.#apply({ ...delta, puts, covered: [] }, nowMs)
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

  listing(): FullState {
    const held = this.fullState()
    return { ...held, puts: [...held.puts, ...this.#parked.values()] }
  }

  root(): string {
    return canonicalItems(this.listing())
  }

  take(theirs: FullState, part: Part, nowMs: number): void {
    const listed = new Set(
      [...theirs.puts.map(({ entry }) => entry.dot), ...theirs.adds.map(({ dot }) => dot)].map(name),
    )
    const dead = (dot: Dot, cell: string): boolean =>
      part.covers(cell) && !listed.has(name(dot)) && this.#isDead(dot, theirs.context)
    const deadPuts = [...this.#puts.values()].filter((put) => dead(put.entry.dot, cellOf(put)))
    const deadParked = [...this.#parked.values()].filter((put) => dead(put.entry.dot, cellOf(put)))
    // What both have parked is common to them, and nothing to be sent.
    const waits = (put: MapPut): boolean => {
      const parked = this.#parked.get(cellOf(put))?.entry
      if (parked === undefined || name(parked.dot) !== name(put.entry.dot)) return false
      return (parked.value === undefined) === (put.entry.value === undefined)
    }
    const wanted = theirs.puts.filter((put) => part.arrives(cellOf(put)) && !waits(put))
    const isNewer = (put: MapPut): boolean =>
      put.entry.stamp.ms > (this.#puts.get(cellOf(put))?.entry.stamp.ms ?? 0)
    for (const put of wanted.filter(isNewer)) this.join({ ...NOTHING, puts: [put] }, nowMs)
    for (const put of deadParked) if (this.#parked.get(cellOf(put)) === put) this.#unpark(cellOf(put))
    for (const put of deadPuts) {
      const isFrozen = this.#parked.has(cellOf(put)) && this.#mistake !== 'not-frozen'
      if (this.#puts.get(cellOf(put)) === put && !isFrozen) this.#puts.delete(cellOf(put))
    }
    for (const [dot, { set, member, dot: live }] of this.#adds) {
      if (dead(live, cellName('member', set, member))) this.#adds.delete(dot)
    }
    for (const put of wanted) this.join({ ...NOTHING, puts: [put] }, nowMs)
    const adds = theirs.adds.filter(({ set, member }) => part.arrives(cellName('member', set, member)))
    const records = theirs.records.filter(({ table, key }) => part.arrives(cellName('record', table, key)))
    this.join({ ...NOTHING, adds, records }, nowMs)
    if (this.#mistake === 'united-early') this.unite(theirs.context)
  }

  unite(theirs: CausalContext): void {
    for (const { entry } of this.#parked.values()) if (theirs.has(entry.dot)) return
    for (const dots of this.#replaced.values()) if (dots.some((dot) => theirs.has(dot))) return
    for (const actor of theirs.actors()) {
      for (const { first, last } of theirs.intervals(actor)) {
        for (let n = first; n <= last; n++) this.#see({ actor, n })
      }
    }
  }

  pass(minuteMs: number, nowMs: number): void {
    for (const [at, put] of [...this.#parked]) {
      if (put.entry.stamp.ms > nowMs + this.#options.maxClockSkewMs) continue
      this.#unpark(at)
      this.#apply({ ...NOTHING, puts: [put] }, nowMs)
    }
    this.#sweptMs = minuteMs
    for (const [at, put] of [...this.#puts]) {
      const aged = this.#aged(put)
      if (aged !== undefined) this.#puts.set(at, aged)
      else {
        this.#puts.delete(at)
        if (this.#mistake === 'forgotten-dot') this.#seen.delete(name(put.entry.dot))
      }
    }
  }

  restart(lost: (cell: string) => boolean, actor: ActorId): void {
    this.#parked.clear()
    this.#replaced.clear()
    this.#sweptMs = 0
    const before = this.#puts.size + this.#adds.size + this.#records.size
    for (const at of [...this.#puts.keys()]) if (lost(at)) this.#puts.delete(at)
    for (const at of [...this.#records.keys()]) if (lost(at)) this.#records.delete(at)
    for (const [dot, { set, member }] of [...this.#adds]) {
      if (lost(cellName('member', set, member))) this.#adds.delete(dot)
    }
    if (this.#puts.size + this.#adds.size + this.#records.size === before) return
    const dots = [...this.#puts.values()].map(({ entry }) => entry.dot)
    for (const { dot } of this.#adds.values()) dots.push(dot)
    this.#seen = new Map(dots.map((dot) => [name(dot), dot]))
    this.#actor = actor
    this.#n = 0
  }

  #isDead(dot: Dot, theirs: CausalContext): boolean {
    if (this.#mistake === 'never-retired') return false
    return this.#mistake === 'retired-unseen' || theirs.has(dot)
  }

  #unpark(at: string): void {
    this.#parked.delete(at)
    this.#replaced.delete(at)
  }

  #park(put: MapPut): void {
    if (this.#seen.has(name(put.entry.dot))) return
    if (this.#mistake === 'parked-claimed') this.#see(put.entry.dot)
    const parked = this.#parked.get(cellOf(put))
    const same = parked !== undefined && name(parked.entry.dot) === name(put.entry.dot)
    if (parked !== undefined && !same) {
      const older = isNewer(put.entry, parked.entry) ? parked : put
      this.#replaced.set(cellOf(put), [...(this.#replaced.get(cellOf(put)) ?? []), older.entry.dot])
    }
    if (
      parked === undefined ||
      isNewer(put.entry, parked.entry) ||
      (same && hasMore(put.entry, parked.entry))
    )
      this.#parked.set(cellOf(put), put)
  }

  #apply(delta: Delta, nowMs: number): Delta {
    const before = this.#seen.size
    for (const put of delta.puts) this.#applyPut(put, nowMs)
    for (const add of delta.adds) if (this.#see(add.dot)) this.#adds.set(name(add.dot), add)
    const added = new Set(delta.adds.map(({ dot }) => name(dot)))
    for (const dot of delta.covered) {
      if (this.#mistake !== 'covered-ignored' && !added.has(name(dot))) this.#adds.delete(name(dot))
      this.#see(dot)
    }
    for (const put of delta.records) this.#record(put)
    return this.#seen.size > before ? delta : NOTHING
  }

  #applyPut(put: MapPut, nowMs: number): void {
    const { dot, stamp } = put.entry
    const held = this.#puts.get(cellOf(put))?.entry
    const isNew = this.#see(dot)
    if (this.#mistake === 'over-claimed') for (let n = 1; n < dot.n; n++) this.#see({ actor: dot.actor, n })
    if (isNew && stamp.ms <= nowMs + this.#options.maxClockSkewMs && compare(stamp, this.#clock) > 0) {
      this.#clock = { ms: stamp.ms, logical: stamp.logical }
    }
    const same = held !== undefined && name(held.dot) === name(dot)
    if (!isNew && !same && this.#mistake !== 'stamps-first') return
    const huskLoses =
      this.#mistake === 'husk-loses' && held?.value === undefined && held?.expiresAtMs !== undefined
    if (held !== undefined && !isNewer(put.entry, held) && !huskLoses && !(same && hasMore(put.entry, held)))
      return
    const aged = this.#aged(put)
    if (aged !== undefined) this.#puts.set(cellOf(put), aged)
    else if (this.#mistake !== 'late-dropped') this.#puts.delete(cellOf(put))
  }

  /** What of a put is held at the time of the last sweep. */
  #aged(put: MapPut): MapPut | undefined {
    const { value, stamp, expiresAtMs } = put.entry
    const endMs = expiresAtMs ?? (value === undefined ? stamp.ms : FAR_MS * FAR_MS)
    if (endMs + this.#options.tombstoneGraceMs <= this.#sweptMs) return undefined
    if (value === undefined || endMs > this.#sweptMs) return put
    return { ...put, entry: { ...put.entry, value: undefined } }
  }

  #own(delta: Delta, nowMs: number): Delta {
    this.#apply(delta, nowMs)
    return delta
  }

  #write(
    map: string,
    key: string,
    text: string | undefined,
    nowMs: number,
    expiresAtMs: number | undefined,
  ): Delta {
    const held = this.#puts.get(cellName('entry', map, key))
    const after = ({ ms, logical }: Instant): Instant => ({ ms, logical: logical + 1 })
    this.#clock = nowMs > this.#clock.ms ? { ms: nowMs, logical: 0 } : after(this.#clock)
    const dot = this.#nextDot()
    const old = held?.entry.stamp
    const { ms, logical } = old !== undefined && compare(old, this.#clock) >= 0 ? after(old) : this.#clock
    const stamp = { epoch: 0, ms, logical, actor: this.#actor }
    const value =
      text === undefined ? undefined : { contentType: 'text/plain', bytes: new TextEncoder().encode(text) }
    const entry: MapEntry = { dot, stamp, value, expiresAtMs }
    return this.#own(
      { ...NOTHING, puts: [{ map, key, entry }], covered: held ? [held.entry.dot] : [] },
      nowMs,
    )
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
    for (const [at, put] of this.#parked) {
      if (name(put.entry.dot) === name(dot) && this.#mistake !== 'parked-claimed') this.#unpark(at)
    }
    return isNew
  }

  #record(put: RecordPut): void {
    const at = cellName('record', put.table, put.key)
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

interface Instant {
  readonly ms: number
  readonly logical: number
}

function compare(a: Instant, b: Instant): number {
  return a.ms - b.ms || a.logical - b.logical
}

function isNewer(a: MapEntry, b: MapEntry): boolean {
  if (a.stamp.ms !== b.stamp.ms) return a.stamp.ms > b.stamp.ms
  if (a.stamp.logical !== b.stamp.logical) return a.stamp.logical > b.stamp.logical
  return a.stamp.actor > b.stamp.actor
}

/** A value that comes to its own husk. */
function hasMore(a: MapEntry, b: MapEntry): boolean {
  return a.value !== undefined && b.value === undefined && b.expiresAtMs !== undefined
}
