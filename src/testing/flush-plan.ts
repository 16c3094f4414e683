/**
 * Which groups of alerts are flushed when, drawn before a run starts: the demand that the simulated notifiers meet.
 *
 * Every replica has the same alerts, so each flush of a group is one moment at which all of them want to notify, each a
 * little early or late. A group changes as real ones do: an alert more, one resolved, all resolved, nothing new, or
 * nothing new for so long that the notification is due again. `sends` says what one replica alone would do, and so what
 * many must do together while nothing goes wrong.
 */
import type { Receiver } from '../alerting/core/receiver.ts'
import type { Random } from '../base/random.ts'
import { between, randomStream } from './random-streams.ts'
import type { SimOptions } from './sim-options.ts'

export interface PlannedFlush {
  readonly group: number
  /** Within its group, from 0. */
  readonly number: number
  readonly atMs: number
  readonly kind: 'change' | 'resolve' | 'all-resolved' | 'same' | 'repeat'
  /** Whether it makes a notification when all that went before it was notified. */
  readonly sends: boolean
  readonly firing: readonly bigint[]
  readonly resolved: readonly bigint[]
  /** By node: how long after `atMs` it flushes; undefined for one that never does. */
  readonly delaysMs: readonly (number | undefined)[]
}

/** Flushes of different groups are spread over this share of the gap. */
const STAGGER = 0.8
const FIRING_MAX = 5
/** What is this near to the time of a repeat is always a change: clocks and sends may tip it either way. */
const REPEAT_MARGIN_MS = 1500

export const SIM_RECEIVER: Receiver = { groupName: 'team', integration: 'webhook', idx: 0 }

export function groupKeyOf(group: number): string {
  return `{}:{group="${group}"}`
}

/** @returns the flushes in order of time within each group, group by group; none when there are no groups */
export function planFlushes(options: SimOptions): readonly PlannedFlush[] {
  const planned: PlannedFlush[] = []
  for (let group = 0; group < options.notifications.groups; group++)
    planned.push(...planGroup(options, group))
  return planned
}

function planGroup(options: SimOptions, group: number): PlannedFlush[] {
  const { groups, gapMs, firstMs } = options.notifications
  const random = randomStream(options.seed, 'flushes', group)
  const history = new History(random, BigInt(group + 1) << 32n, options.notifications.repeatMs)
  const planned: PlannedFlush[] = []
  for (let number = 0; ; number++) {
    const atMs = firstMs + (number + (STAGGER * group) / groups) * gapMs
    if (atMs >= options.safetyMs) return planned
    planned.push({ group, number, atMs, ...history.next(atMs), delaysMs: drawDelays(options, random) })
  }
}

function drawDelays(options: SimOptions, random: Random): (number | undefined)[] {
  const { skewMaxMs, absentRate } = options.notifications
  const absent = random.next() < absentRate && options.nodes > 1 ? random.below(options.nodes) : undefined
  return Array.from({ length: options.nodes }, (_, node) => {
    const delayMs = between(random, 0, skewMaxMs)
    return node === absent ? undefined : delayMs
  })
}

/** The alerts of one group over time. */
class History {
  readonly #random: Random
  readonly #repeatMs: number
  #firing: readonly bigint[] = []
  #nextAlert: bigint
  #notifiedAtMs = 0

  constructor(random: Random, firstAlert: bigint, repeatMs: number) {
    this.#random = random
    this.#nextAlert = firstAlert
    this.#repeatMs = repeatMs
  }

  next(atMs: number): Pick<PlannedFlush, 'kind' | 'sends' | 'firing' | 'resolved'> {
    const kind = this.#draw(atMs - this.#notifiedAtMs)
    const before = this.#firing
    const resolved = kind === 'all-resolved' ? before : kind === 'resolve' ? before.slice(0, 1) : []
    this.#firing = before.filter((alert) => !resolved.includes(alert))
    if (kind === 'change') this.#firing = [...this.#firing, this.#nextAlert++]
    const sends = kind !== 'same'
    if (sends) this.#notifiedAtMs = atMs
    return { kind, sends, firing: this.#firing, resolved }
  }

  #draw(sinceMs: number): PlannedFlush['kind'] {
    const roll = this.#random.next()
    const count = this.#firing.length
    if (count === 0) return 'change'
    if (count >= FIRING_MAX) return roll < 0.7 ? 'resolve' : 'all-resolved'
    if (Math.abs(sinceMs - this.#repeatMs) < REPEAT_MARGIN_MS) return 'change'
    if (sinceMs > this.#repeatMs) return 'repeat'
    if (roll < 0.6) return 'change'
    if (roll < 0.72 && count > 1) return 'resolve'
    return roll < 0.76 ? 'all-resolved' : 'same'
  }
}
