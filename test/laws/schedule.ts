/**
 * Random lives of a few replicas: writes, deliveries of earlier deltas in any order (so late, twice or never), whole
 * states, relays, forgotten tombstones, clocks that differ. After each join the oracle looks at the replica; at the end
 * all exchange whole states and must agree.
 */
import { type ActorId, actorId } from '../../src/base/names.ts'
import type { Random } from '../../src/base/random.ts'
import { type Delta, type FullState, isEmptyDelta } from '../../src/store/core/delta.ts'
import { canonicalState } from '../../src/testing/canonical-state.ts'
import { History } from './history.ts'
import type { Replica } from './replica.ts'

export interface Step {
  readonly kind: 'put' | 'delete' | 'add' | 'remove' | 'record' | 'deliver' | 'sync' | 'forget'
  /** Chooses the replica that acts; taken modulo their number. */
  readonly at: number
  /** Chooses key, message or partner. */
  readonly pick: number
  /** Time that passes before, in ms; clocks of the replicas differ besides. */
  readonly pauseMs: number
}

const KEYS = ['a', 'b', 'c']

interface Life {
  readonly replica: Replica
  readonly known: Set<number>
  readonly skewMs: number
}

interface Message {
  readonly delta: Delta
  readonly operation: number
}

export class World {
  readonly #lives: readonly Life[]
  readonly #history = new History()
  readonly #messages: Message[] = []
  #nowMs = 1000

  constructor(count: number, create: (actor: ActorId) => Replica) {
    this.#lives = Array.from({ length: count }, (_, index) => ({
      replica: create(actorId(String(index + 1).repeat(32))),
      known: new Set<number>(),
      skewMs: index * 7,
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
    const life = this.#lives[step.at % this.#lives.length]
    if (life === undefined) return []
    const nowMs = this.#nowMs + life.skewMs
    if (step.kind === 'deliver') return this.#deliver(life, step.pick, nowMs)
    if (step.kind === 'sync')
      return this.#sync(life, this.#lives[step.pick % this.#lives.length] ?? life, nowMs)
    if (step.kind === 'forget') {
      this.#history.forgetful = true
      life.replica.dropTombstones()
      return this.#faults(life)
    }
    const delta = write(life.replica, step, nowMs)
    if (isEmptyDelta(delta)) return []
    const operation = this.#history.note(delta)
    life.known.add(operation)
    this.#messages.push({ delta, operation })
    return this.#faults(life)
  }

  /** Whole states until everyone has met everyone, then: all equal, and as the oracle says. */
  settle(): string[] {
    const rounds = [...this.#lives, ...this.#lives]
    for (const life of rounds) {
      for (const other of this.#lives) {
        const faults = life === other ? [] : this.#sync(life, other, this.#nowMs)
        if (faults.length > 0) return faults
      }
    }
    const texts = new Set(this.states.map((state) => canonicalState(state)))
    return texts.size > 1 ? ['the replicas differ'] : []
  }

  #deliver(life: Life, pick: number, nowMs: number): string[] {
    const message = this.#messages[pick % Math.max(1, this.#messages.length)]
    if (message === undefined) return []
    const news = life.replica.join(message.delta, nowMs)
    life.known.add(message.operation)
    if (!isEmptyDelta(news)) this.#messages.push({ delta: news, operation: message.operation })
    return this.#faults(life)
  }

  #sync(life: Life, from: Life, nowMs: number): string[] {
    if (life === from) return []
    life.replica.joinFull(from.replica.fullState(), nowMs)
    for (const operation of from.known) life.known.add(operation)
    return this.#faults(life)
  }

  #faults(life: Life): string[] {
    return this.#history.faults(life.replica.fullState(), life.known)
  }
}

function write(replica: Replica, { kind, pick, pauseMs }: Step, nowMs: number): Delta {
  const key = KEYS[pick % KEYS.length] ?? ''
  if (kind === 'put') return replica.put('m', key, `${pick}`, nowMs)
  if (kind === 'delete') return replica.delete('m', key, nowMs)
  if (kind === 'add') return replica.add('s', key, nowMs)
  if (kind === 'remove') return replica.remove('s', key, nowMs)
  return replica.record('t', key, BigInt(1 + (pick % 5)), `${pauseMs}`, nowMs)
}

const WEIGHTED: readonly Step['kind'][] = [
  ...(['put', 'put', 'put', 'delete', 'delete', 'add', 'add', 'remove', 'remove', 'record'] as const),
  ...(['deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'sync', 'sync'] as const),
]

/** @param forgetting whether tombstones are dropped now and then */
export function randomSteps(random: Random, count: number, forgetting: boolean): Step[] {
  const kinds = forgetting ? [...WEIGHTED, 'forget' as const] : WEIGHTED
  return Array.from({ length: count }, () => ({
    kind: kinds[random.below(kinds.length)] ?? 'put',
    at: random.below(60),
    pick: random.below(1000),
    pauseMs: random.below(12),
  }))
}
