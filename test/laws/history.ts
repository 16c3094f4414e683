/**
 * The oracle: from the operations that a replica has heard of, and what each of them observed, it says what the replica
 * must show. It knows no contexts and no joins.
 *
 * Sets: an element is present if somebody added it and nobody who saw that add removed or repeated it. Maps: the highest
 * stamp that nobody overwrote. After tombstones were forgotten, a write that the deleter never saw may live on where the
 * tombstone is gone; a write that he saw may not.
 */
import type { Delta, FullState, MapPut } from '../../src/store/core/delta.ts'

/** How the world stands when a state is judged. */
export interface Moment {
  /** What has expired by then is not there for readers. */
  readonly nowMs: number
}

/** Indexes into the history. */
export type Known = ReadonlySet<number>

interface KeyFacts {
  readonly puts: MapPut[]
  readonly overwritten: Set<string>
}

export class History {
  readonly #deltas: Delta[] = []
  forgetful = false

  /** @returns the number of this operation */
  note(delta: Delta): number {
    this.#deltas.push(delta)
    return this.#deltas.length - 1
  }

  delta(index: number): Delta | undefined {
    return this.#deltas[index]
  }

  /** @returns what is wrong, in words */
  faults(state: FullState, known: Known): string[] {
    const heard = [...known].flatMap((index) => this.#deltas[index] ?? [])
    const covered = new Set(heard.flatMap((delta) => delta.covered.map(({ actor, n }) => `${actor}:${n}`)))
    return [
      ...this.#setFaults(state, heard, covered),
      ...this.#mapFaults(state, heard, covered),
      ...recordFaults(state, heard),
    ]
  }

  /** Whether somebody has written over it, not later than `untilMs`. */
  isOutdone(put: MapPut, untilMs: number): boolean {
    return this.#deltas.some((delta) =>
      delta.puts.some(
        (other) =>
          other.map === put.map &&
          other.key === put.key &&
          other.entry.stamp.ms <= untilMs &&
          stampText(other) > stampText(put),
      ),
    )
  }

  /** After everybody has heard of everything: @returns what is wrong, in words */
  finalFaults(state: FullState, { nowMs }: Moment): string[] {
    const covered = new Set(
      this.#deltas.flatMap((delta) => delta.covered.map(({ actor, n }) => `${actor}:${n}`)),
    )
    const faults = [...this.#setFaults(state, this.#deltas, covered), ...recordFaults(state, this.#deltas)]
    const winners = new Map<string, MapPut>()
    for (const put of this.#deltas.flatMap((delta) => delta.puts)) {
      const name = `${put.map}/${put.key}`
      const best = winners.get(name)
      if (best === undefined || stampText(put) > stampText(best)) winners.set(name, put)
    }
    const isThere = ({ entry }: MapPut): boolean =>
      entry.value !== undefined && (entry.expiresAtMs ?? Number.POSITIVE_INFINITY) > nowMs
    const shown = new Map(state.puts.filter(isThere).map((put) => [`${put.map}/${put.key}`, put]))
    for (const [name, winner] of winners) {
      const held = shown.get(name)
      if (held !== undefined && covered.has(dotText(held))) faults.push(`${name} shows a ghost`)
      else if (isThere(winner)) {
        if (held === undefined || dotText(held) !== dotText(winner))
          faults.push(`${name} shows a wrong winner`)
      } else if (held !== undefined && !this.forgetful) faults.push(`${name} shows what is outdone`)
    }
    for (const name of shown.keys()) if (!winners.has(name)) faults.push(`${name} was never written`)
    return faults
  }

  #setFaults(state: FullState, heard: readonly Delta[], covered: ReadonlySet<string>): string[] {
    const expected = new Set<string>()
    for (const { set, member, dot } of heard.flatMap((delta) => delta.adds)) {
      if (!covered.has(`${dot.actor}:${dot.n}`)) expected.add(`${set}/${member}`)
    }
    const shown = new Set(state.adds.map(({ set, member }) => `${set}/${member}`))
    return [
      ...[...expected].filter((element) => !shown.has(element)).map((element) => `${element} is missing`),
      ...[...shown].filter((element) => !expected.has(element)).map((element) => `${element} should be gone`),
    ]
  }

  #mapFaults(state: FullState, heard: readonly Delta[], covered: ReadonlySet<string>): string[] {
    const keys = new Map<string, KeyFacts>()
    for (const put of heard.flatMap((delta) => delta.puts)) {
      const name = `${put.map}/${put.key}`
      const facts = keys.get(name) ?? { puts: [], overwritten: new Set() }
      keys.set(name, facts)
      facts.puts.push(put)
      const dot = dotText(put)
      if (covered.has(dot)) facts.overwritten.add(dot)
    }
    const shown = new Map(state.puts.map((put) => [`${put.map}/${put.key}`, put]))
    const faults: string[] = []
    for (const name of shown.keys()) if (!keys.has(name)) faults.push(`${name} was never written`)
    for (const [name, facts] of keys) {
      const winner = facts.puts.reduce((best, put) => (stampText(put) > stampText(best) ? put : best))
      const held = shown.get(name)
      if (held !== undefined && facts.overwritten.has(dotText(held))) faults.push(`${name} shows a ghost`)
      else if (this.forgetful && winner.entry.value === undefined) continue
      else if (held === undefined || dotText(held) !== dotText(winner))
        faults.push(`${name} shows a wrong winner`)
    }
    return faults
  }
}

function recordFaults(state: FullState, heard: readonly Delta[]): string[] {
  const best = new Map<string, string>()
  for (const { table, key, record } of heard.flatMap((delta) => delta.records)) {
    const rank = recordText(record)
    if (rank > (best.get(`${table}/${key}`) ?? '')) best.set(`${table}/${key}`, rank)
  }
  const shown = new Map(
    state.records.map(({ table, key, record }) => [`${table}/${key}`, recordText(record)]),
  )
  const names = new Set([...best.keys(), ...shown.keys()])
  return [...names]
    .filter((name) => best.get(name) !== shown.get(name))
    .map((name) => `record ${name} is wrong`)
}

function recordText(record: { readonly versionNs: bigint; readonly bytes: Uint8Array }): string {
  return `${String(record.versionNs).padStart(20, '0')} ${new TextDecoder().decode(record.bytes)}`
}

function dotText({ entry }: MapPut): string {
  return `${entry.dot.actor}:${entry.dot.n}`
}

/** Names of the dots that a state holds, by where they stand. */
export function heldDots({ puts, adds }: FullState): Set<string> {
  return new Set([...puts.map(dotText), ...adds.map(({ dot }) => `${dot.actor}:${dot.n}`)])
}

/** Fixed widths, so that text order is stamp order. */
function stampText({ entry }: MapPut): string {
  const { epoch, ms, logical, actor } = entry.stamp
  return [epoch, ms, logical].map((part) => String(part).padStart(16, '0')).join('.') + actor
}
