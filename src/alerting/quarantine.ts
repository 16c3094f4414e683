/**
 * Silences of peers that are held back because acting on them would do harm (core/silence-admission.ts): what an engineer
 * on call gets to see of them.
 *
 * One is in force until its end, unless a valid version of it is newer: then nothing is held back any more. Nothing is
 * kept here: all is read from the store when somebody asks, so a restart changes nothing, and 10,000 of them cost a scrape
 * a millisecond. Whoever has to know of new ones is told when the store has taken them, so once for each version, however
 * often peers send it.
 *
 * Patterns come from strangers and may be large, so what is said of them is cut; an id is not, for it is what ends one.
 */
import type { Clock } from '../base/clock.ts'
import type { ForeignRecord } from '../store/core/delta.ts'
import type { Records } from '../store/records.ts'
import { QUARANTINE_TABLE, SILENCE_TABLE } from './core/admission.ts'
import { formatDateTime } from './core/date-time.ts'
import { nanosFromMs } from './core/nanos.ts'
import type { Silence } from './core/silence.ts'
import { silenceFromRecord } from './core/silence-codec.ts'
import { silenceFault } from './core/silence-validation.ts'

/** As many are shown; the others are counted. */
export const QUARANTINE_SHOWN_MAX = 100
/** Of a reason, which quotes a pattern of up to 4 MiB. */
export const REASON_CHARS_MAX = 256

export interface QuarantinedSilence {
  readonly id: string
  /** What is wrong, in the words in which a request for it would be refused; at most 256 characters. */
  readonly reason: string
  /** RFC 3339; until then it is in force. */
  readonly endsAt: string
}

/** What `/api/v1/status` shows. */
export interface QuarantineView {
  readonly count: number
  /** The first 100, in no particular order. */
  readonly silences: readonly QuarantinedSilence[]
}

function cut(text: string): string {
  return text.length <= REASON_CHARS_MAX ? text : `${text.slice(0, REASON_CHARS_MAX - 1)}…`
}

function shown(silence: Silence): QuarantinedSilence {
  const reason = cut(silenceFault(silence) ?? 'valid by the rules of this release')
  return { id: silence.id, reason, endsAt: formatDateTime(silence.endsAtNs) }
}

export class Quarantine {
  readonly #records: Records
  readonly #clock: Clock
  readonly #stopWatching: () => void

  /** @param entered hears each version in force that comes in from now on */
  constructor(records: Records, clock: Clock, entered: (silence: QuarantinedSilence) => void) {
    this.#records = records
    this.#clock = clock
    this.#stopWatching = records.watch(QUARANTINE_TABLE, (id, record) => {
      const silence = record === undefined ? undefined : this.#inForce(id, record)
      if (silence !== undefined) entered(shown(silence))
    })
  }

  /** How many are in force. */
  get size(): number {
    let count = 0
    for (const _ of this.#all()) count++
    return count
  }

  view(): QuarantineView {
    const silences: QuarantinedSilence[] = []
    let count = 0
    for (const silence of this.#all()) {
      if (count++ < QUARANTINE_SHOWN_MAX) silences.push(shown(silence))
    }
    return { count, silences }
  }

  /** Stops following the store. */
  close(): void {
    this.#stopWatching()
  }

  *#all(): Generator<Silence> {
    for (const [id, record] of this.#records.entries(QUARANTINE_TABLE)) {
      const silence = this.#inForce(id, record)
      if (silence !== undefined) yield silence
    }
  }

  #inForce(id: string, record: ForeignRecord): Silence | undefined {
    const valid = this.#records.get(SILENCE_TABLE, id)
    if (valid !== undefined && valid.versionNs >= record.versionNs) return undefined
    const silence = silenceFromRecord(record)
    if (silence === undefined || silence.endsAtNs <= nanosFromMs(this.#clock.wallMs())) return undefined
    return silence
  }
}
