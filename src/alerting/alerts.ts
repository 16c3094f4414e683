/**
 * Alerts that this replica was told of: in memory, never replicated and gone with the process, as in Alertmanager. Who
 * posts alerts posts them to every replica, again and again while they last.
 *
 * Resolved ones are kept for half an hour, so that whoever notifies can still say so. What is held is bounded in number and
 * in bytes; beyond that a new alert is refused and counted, while known ones go on being updated. No timers: what is over
 * is forgotten at most once a minute, when somebody posts or reads.
 */
import type { Clock } from '../base/clock.ts'
import { type Alert, isResolved, type LabelSet } from './core/alert.ts'
import { type AlertRequest, joinedAlert, plannedAlert } from './core/alert-rules.ts'
import { alertFault } from './core/alert-validation.ts'
import { fingerprint } from './core/fingerprint.ts'
import { nanosFromMs } from './core/nanos.ts'

/** Alertmanager's `resolve_timeout`: when an alert ends that named no end and is not posted again. */
export const RESOLVE_TIMEOUT_MS: number = 5 * 60_000
export const KEEP_RESOLVED_MS: number = 30 * 60_000
export const ALERTS_MAX = 100_000
export const ALERTS_BYTES_MAX: number = 128 * 1024 * 1024
/** What the two may be set to. */
export const ALERTS_MAX_MOST = 10_000_000
export const ALERTS_BYTES_LEAST = 1024
export const ALERTS_BYTES_MOST: number = 1024 ** 4
/** What an alert costs beside its texts, a character of which counts as one byte. */
export const ALERT_OVERHEAD_BYTES = 512
const SWEEP_INTERVAL_MS = 60_000
/** Up to as many are looked up anew when somebody counts; above, what was found at their last post holds. */
export const COUNTED_ANEW_MAX = 1000

export interface AlertsOptions {
  readonly clock: Clock
  /** Ids of the silences that mute these labels just now, sorted. */
  readonly silencedBy: (labels: LabelSet) => readonly string[]
  /** Called after each post that changed something. */
  readonly changed?: () => void
  /** Hears of each post for which there was not room enough, and what to say about it. */
  readonly refused?: (message: string) => void
  /** Default 100,000. Read anew at each post, as the next. */
  readonly alertsMax?: number
  /** Default 128 MiB. */
  readonly bytesMax?: number
}

export interface HeldAlert {
  /** 16 hexadecimal digits. */
  readonly fingerprint: string
  readonly alert: Alert
}

/** Of a post; what is not named here is held. */
export interface PostResult {
  /** What is wrong with each alert that is not valid, in the order posted. */
  readonly faults: readonly string[]
  /** Alerts for which there was no room. */
  readonly refused: number
}

export interface AlertsStats {
  readonly bytes: number
  /** Posts that changed something. */
  readonly posts: number
  readonly receivedFiring: number
  readonly receivedResolved: number
  readonly invalid: number
  readonly refused: number
}

/** The order in which alerts are listed. */
export function byFingerprint(a: HeldAlert, b: HeldAlert): number {
  return a.fingerprint < b.fingerprint ? -1 : 1
}

interface Slot extends HeldAlert {
  readonly bytes: number
  isMuted: boolean
}

function textBytes(labels: LabelSet): number {
  let sum = 0
  for (const [name, value] of Object.entries(labels)) sum += name.length + value.length
  return sum
}

function bytesOf({ labels, annotations, generatorUrl }: Alert): number {
  return ALERT_OVERHEAD_BYTES + textBytes(labels) + textBytes(annotations) + generatorUrl.length
}

export class Alerts {
  readonly #options: AlertsOptions
  readonly #slots = new Map<string, Slot>()
  #bytes = 0
  #posts = 0
  #receivedFiring = 0
  #receivedResolved = 0
  #invalid = 0
  #refused = 0
  #sweptMs: number

  constructor(options: AlertsOptions) {
    this.#options = options
    this.#sweptMs = options.clock.monotonicMs()
  }

  /** Holds those that are valid and for which there is room, whatever the others are. */
  post(requests: readonly AlertRequest[]): PostResult {
    this.#sweep()
    const nowNs = this.nowNs()
    const faults: string[] = []
    let refused = 0
    for (const request of requests) {
      const alert = plannedAlert(request, nowNs, nanosFromMs(RESOLVE_TIMEOUT_MS))
      if (isResolved(alert, nowNs)) this.#receivedResolved++
      else this.#receivedFiring++
      const fault = alertFault(alert)
      if (fault !== undefined) faults.push(fault)
      else if (!this.#hold(alert, nowNs)) refused++
    }
    this.#invalid += faults.length
    this.#refused += refused
    if (refused > 0) this.#options.refused?.(this.fullText(refused, requests.length))
    if (requests.length > faults.length + refused) {
      this.#posts++
      this.#options.changed?.()
    }
    return { faults, refused }
  }

  get(fingerprint: string): Alert | undefined {
    return this.#slots.get(fingerprint)?.alert
  }

  /** Every alert held, resolved ones too, in no particular order. The list does not change, and alerts never do. */
  snapshot(): readonly HeldAlert[] {
    this.#sweep()
    return [...this.#slots.values()]
  }

  /** Ids of the silences that mute these labels just now, sorted. */
  silencedBy(labels: LabelSet): readonly string[] {
    return this.#options.silencedBy(labels)
  }

  /** Of those that are not resolved. */
  counts(): { readonly active: number; readonly suppressed: number } {
    this.#sweep()
    const nowNs = this.nowNs()
    const countsAnew = this.#slots.size <= COUNTED_ANEW_MAX
    let [active, suppressed] = [0, 0]
    for (const slot of this.#slots.values()) {
      if (isResolved(slot.alert, nowNs)) continue
      if (countsAnew) slot.isMuted = this.silencedBy(slot.alert.labels).length > 0
      if (slot.isMuted) suppressed++
      else active++
    }
    return { active, suppressed }
  }

  get stats(): AlertsStats {
    return {
      bytes: this.#bytes,
      posts: this.#posts,
      receivedFiring: this.#receivedFiring,
      receivedResolved: this.#receivedResolved,
      invalid: this.#invalid,
      refused: this.#refused,
    }
  }

  /** Says that there was no room for `refused` of `posted` alerts, and which limits there are. */
  fullText(refused: number, posted: number): string {
    return `no room for ${refused} of ${posted} alerts (limits: ${this.#alertsMax} alerts, ${this.#bytesMax} bytes)`
  }

  nowNs(): bigint {
    return nanosFromMs(this.#options.clock.wallMs())
  }

  get #alertsMax(): number {
    return this.#options.alertsMax ?? ALERTS_MAX
  }

  get #bytesMax(): number {
    return this.#options.bytesMax ?? ALERTS_BYTES_MAX
  }

  /** @returns whether there was room */
  #hold(posted: Alert, nowNs: bigint): boolean {
    const key = fingerprint(posted.labels)
    const held = this.#slots.get(key)
    const alert = held === undefined ? posted : joinedAlert(held.alert, posted, nowNs)
    const bytes = bytesOf(alert)
    const bytesAfter = this.#bytes + bytes - (held?.bytes ?? 0)
    const grows = held === undefined || bytes > held.bytes
    if (grows && bytesAfter > this.#bytesMax) return false
    if (held === undefined && this.#slots.size >= this.#alertsMax) return false
    const isMuted = this.silencedBy(alert.labels).length > 0
    this.#slots.set(key, { fingerprint: key, alert, bytes, isMuted })
    this.#bytes = bytesAfter
    return true
  }

  #sweep(): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs - this.#sweptMs < SWEEP_INTERVAL_MS) return
    this.#sweptMs = nowMs
    const forgottenNs = this.nowNs() - nanosFromMs(KEEP_RESOLVED_MS)
    for (const { fingerprint: key, alert, bytes } of this.#slots.values()) {
      // One that had ended long before it was posted is kept as long as any other.
      if (alert.endsAtNs > forgottenNs || alert.updatedAtNs > forgottenNs) continue
      this.#slots.delete(key)
      this.#bytes -= bytes
    }
  }
}
