/**
 * Random lives of a few replicas: writes, deliveries of earlier deltas in any order (so late, twice or never), syncs whole,
 * of a few keys only, or broken off, relays, values with a time to live, sweeps, restarts, clocks that differ.
 *
 * Two kinds of worlds. In a plain one syncs are whole and nothing expires; then it is plain what each replica has heard
 * of, and after each step the oracle says what it must show. In a hard one everything happens; there the oracle watches
 * that no write that was gone somewhere comes back there, and that none goes for a write from the future; it judges at the
 * end, when all have exchanged everything.
 */
import { type ActorId, actorId } from '../../src/base/names.ts'
import type { Random } from '../../src/base/random.ts'
import { type Delta, type FullState, isEmptyDelta, type MapPut } from '../../src/store/core/delta.ts'
import { canonicalItems, canonicalState } from '../../src/testing/canonical-state.ts'
import { History, heldDots } from './history.ts'
import { ALL, type Part, type Replica } from './replica.ts'

const PLAIN_KINDS = ['put', 'delete', 'add', 'remove', 'record', 'deliver', 'sync', 'pass'] as const
const HARD_KINDS = ['put-brief', 'part', 'broken', 'wait', 'restart', 'damage'] as const

export interface Step {
  readonly kind: (typeof PLAIN_KINDS)[number] | (typeof HARD_KINDS)[number]
  /** Chooses the replica that acts; taken modulo their number. */
  readonly at: number
  /** Chooses key, message or partner. */
  readonly pick: number
  /** Time that passes before, in ms; clocks of the replicas differ besides. */
  readonly pauseMs: number
}

export interface WorldOptions {
  readonly create: (actor: ActorId) => Replica
  readonly maxClockSkewMs: number
  /** How far each clock is ahead. */
  readonly skewMs: (index: number) => number
  /** Whether tombstones may be gone before everybody has heard of them. */
  readonly forgetful: boolean
  /** Judged at the end only. */
  readonly hard: boolean
  /** Steps, as numbers from 0, during which the last replica speaks with nobody. */
  readonly absence?: { readonly from: number; readonly to: number }
}

const KEYS = ['a', 'b', 'c']
const MINUTE_MS = 20
const FAR_FUTURE_MS = 100_000

interface Life {
  readonly replica: Replica
  readonly known: Set<number>
  readonly skewMs: number
  /** Dots held after the last step, and dots that were held once. */
  held: Set<string>
  gone: Set<string>
  /** What readers see, by key; without what has a time to live. */
  shown: Map<string, MapPut>
}

interface Message {
  readonly delta: Delta
  readonly operation: number
}

export class World {
  readonly #options: WorldOptions
  readonly #lives: readonly Life[]
  readonly #history = new History()
  readonly #messages: Message[] = []
  #nowMs = 1000
  #steps = 0
  #damages = 0
  /** Whether a sync took something away and broke off before it brought what replaces it; no session does that. */
  #isTorn = false

  constructor(count: number, options: WorldOptions) {
    this.#options = options
    this.#history.forgetful = options.forgetful
    this.#lives = Array.from({ length: count }, (_, index) => ({
      replica: options.create(actorId(String(index + 1).repeat(32))),
      known: new Set<number>(),
      skewMs: options.skewMs(index),
      held: new Set<string>(),
      gone: new Set<string>(),
      shown: new Map<string, MapPut>(),
    }))
  }

  get states(): FullState[] {
    return this.#lives.map(({ replica }) => replica.fullState())
  }

  /** Every mutation so far, as its writer spread it. */
  get deltas(): Delta[] {
    return this.#messages.map(({ delta }) => delta)
  }

  /** @returns what the oracle found */
  run(steps: readonly Step[]): string[] {
    for (const step of steps) {
      const faults = this.step(step)
      if (faults.length > 0) return faults
    }
    return []
  }

  step(step: Step): string[] {
    this.#nowMs += step.pauseMs
    this.#steps++
    const life = this.#lives[step.at % this.#lives.length]
    if (life === undefined) return []
    const faults = this.#act(life, step, this.#nowMs + life.skewMs)
    return faults.length > 0 ? faults : [...this.#returned(), ...this.#vanished()]
  }

  /** Time passes until everything is due; whole syncs until everyone has met everyone; then all are equal and right. */
  settle(): string[] {
    if (this.#options.hard) this.#nowMs += FAR_FUTURE_MS
    for (const life of this.#lives) this.#pass(life)
    for (const life of [...this.#lives, ...this.#lives]) {
      for (const other of this.#lives) {
        const faults = life === other ? [] : this.#sync(life, other, ALL)
        if (faults.length > 0) return faults
      }
    }
    const texts = new Set(this.states.map((state) => canonicalState(state)))
    if (texts.size > 1) return [`the replicas differ:\n${[...texts].join('\n\n')}`]
    const roots = new Set(this.#lives.map(({ replica }) => replica.root()))
    if (roots.size > 1) return ['the roots differ']
    const [state] = this.states
    return state === undefined ? [] : this.#history.finalFaults(state, { nowMs: this.#nowMs })
  }

  #act(life: Life, step: Step, nowMs: number): string[] {
    const other = this.#lives[step.pick % this.#lives.length] ?? life
    switch (step.kind) {
      case 'deliver':
        return this.#isAway(life) ? [] : this.#deliver(life, step.pick, nowMs)
      case 'sync':
        return this.#sync(life, other, ALL)
      case 'part':
        return this.#sync(life, other, partOf(step.pick))
      case 'broken':
        this.#isTorn = true
        return this.#sync(life, other, brokenPart(step.pick))
      case 'pass':
        this.#pass(life)
        return this.#faults(life)
      case 'wait':
        this.#nowMs += step.pick % 150
        return []
      case 'restart':
        life.replica.restart(() => false, actorId('0'.repeat(32)))
        return []
      case 'damage':
        return this.#damage(life, other, step.pick)
      default:
        return this.#write(life, step, nowMs)
    }
  }

  #write(life: Life, step: Step, nowMs: number): string[] {
    const delta = write(life.replica, step, nowMs)
    if (isEmptyDelta(delta)) return []
    const operation = this.#history.note(delta)
    life.known.add(operation)
    this.#messages.push({ delta, operation })
    return this.#faults(life)
  }

  #deliver(life: Life, pick: number, nowMs: number): string[] {
    const message = this.#messages[pick % Math.max(1, this.#messages.length)]
    if (message === undefined) return []
    const news = life.replica.join(message.delta, nowMs)
    life.known.add(message.operation)
    if (!isEmptyDelta(news)) this.#messages.push({ delta: news, operation: message.operation })
    return this.#faults(life)
  }

  /**
   * Both ways, then the contexts if both hold the same. Where one has swept further than the other it takes a second time
   * until it has told that something is past its grace.
   */
  #sync(life: Life, other: Life, part: Part): string[] {
    if (life === other || this.#isAway(life) || this.#isAway(other)) return []
    const isEqual = (): boolean => life.replica.root() === other.replica.root()
    for (let round = 0; round < 2 && !(round > 0 && isEqual()); round++) {
      life.replica.take(other.replica.listing(), part, this.#nowMs + life.skewMs)
      other.replica.take(life.replica.listing(), part, this.#nowMs + other.skewMs)
    }
    const equal = isEqual()
    if (equal) {
      const [mine, theirs] = [life.replica.listing(), other.replica.listing()]
      if (canonicalItems(mine) !== canonicalItems(theirs))
        return ['two roots are equal, and what they stand for is not']
      life.replica.unite(theirs.context)
      other.replica.unite(mine.context)
    } else if (!this.#options.hard) return ['two replicas differ right after a whole sync']
    for (const operation of [...life.known, ...other.known]) {
      life.known.add(operation)
      other.known.add(operation)
    }
    return [...this.#faults(life), ...this.#faults(other)]
  }

  #pass(life: Life): void {
    const nowMs = this.#nowMs + life.skewMs
    life.replica.pass(Math.floor(nowMs / MINUTE_MS) * MINUTE_MS, nowMs)
  }

  /** A replica loses records, after it has told others of all it knows: what only it knew would be lost for good. */
  #damage(life: Life, other: Life, pick: number): string[] {
    if (life === other || this.#isAway(life) || this.#isAway(other) || this.#damages >= 9) return []
    const faults = this.#sync(life, other, ALL)
    if (faults.length > 0 || life.replica.root() !== other.replica.root()) return faults
    // What is parked there is not on its disk.
    if (other.replica.listing().puts.length > other.replica.fullState().puts.length) return []
    const part = partOf(pick)
    this.#damages++
    life.replica.restart((cell) => part.covers(cell), actorId(`${this.#damages}a`.repeat(16)))
    // What it has forgotten may be told to it again.
    life.held = heldDots(life.replica.fullState())
    life.gone = new Set()
    life.shown = new Map()
    return []
  }

  #isAway(life: Life): boolean {
    const { absence } = this.#options
    if (absence === undefined || life !== this.#lives.at(-1)) return false
    return this.#steps >= absence.from && this.#steps < absence.to
  }

  /** A write that was gone from a replica stays gone there. */
  #returned(): string[] {
    for (const life of this.#lives) {
      const held = heldDots(life.replica.fullState())
      for (const dot of held) if (life.gone.has(dot)) return [`${dot} has come back`]
      for (const dot of life.held) if (!held.has(dot)) life.gone.add(dot)
      life.held = held
    }
    return []
  }

  /** What a reader sees goes only for a write that is in force where he reads, not for one from the future. */
  #vanished(): string[] {
    const faults: string[] = []
    for (const life of this.#lives) {
      const nowMs = this.#nowMs + life.skewMs
      const shown = new Map(
        life.replica
          .fullState()
          .puts.filter(({ entry }) => entry.value !== undefined && entry.expiresAtMs === undefined)
          .map((put) => [put.key, put]),
      )
      for (const [key, put] of life.shown) {
        if (shown.get(key)?.entry.dot.n === put.entry.dot.n || this.#isTorn || this.#options.forgetful)
          continue
        if (!this.#history.isOutdone(put, nowMs + this.#options.maxClockSkewMs))
          faults.push(`${key} has vanished`)
      }
      life.shown = shown
    }
    return faults
  }

  #faults(life: Life): string[] {
    return this.#options.hard ? [] : this.#history.faults(life.replica.fullState(), life.known)
  }
}

/** Two of three keys, of maps, sets and tables each. */
function partOf(pick: number): Part {
  const covers = (cell: string): boolean =>
    (cell.charCodeAt(0) + cell.charCodeAt(cell.length - 1) + pick) % 3 > 0
  return { covers, arrives: covers }
}

/** All is compared, and of what should come the most is lost. */
function brokenPart(pick: number): Part {
  return { covers: () => true, arrives: (cell) => !partOf(pick).covers(cell) }
}

function write(replica: Replica, { kind, pick, pauseMs }: Step, nowMs: number): Delta {
  const key = KEYS[pick % KEYS.length] ?? ''
  if (kind === 'put') return replica.put('m', key, `${pick}`, nowMs)
  if (kind === 'put-brief') return replica.put('m', key, `${pick}`, nowMs, nowMs + (pick % 120))
  if (kind === 'delete') return replica.delete('m', key, nowMs)
  if (kind === 'add') return replica.add('s', key, nowMs)
  if (kind === 'remove') return replica.remove('s', key, nowMs)
  return replica.record('t', key, BigInt(1 + (pick % 5)), `${pauseMs}`, nowMs)
}

const WRITES = ['put', 'put', 'put', 'delete', 'delete', 'add', 'add', 'remove', 'remove', 'record'] as const
const DELIVERIES = ['deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'sync', 'sync'] as const
const HARDSHIPS = [
  ...([
    'put-brief',
    'put-brief',
    'part',
    'part',
    'broken',
    'wait',
    'pass',
    'pass',
    'restart',
    'damage',
  ] as const),
]

export function randomSteps(random: Random, count: number, hard: boolean): Step[] {
  const kinds: readonly Step['kind'][] = [...WRITES, ...DELIVERIES, 'pass', ...(hard ? HARDSHIPS : [])]
  return Array.from({ length: count }, () => ({
    kind: kinds[random.below(kinds.length)] ?? 'put',
    at: random.below(60),
    pick: random.below(1000),
    pauseMs: random.below(12),
  }))
}
