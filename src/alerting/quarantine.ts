/**
 * Silences of peers that are held back because acting on them would do harm (core/silence-admission.ts): what an engineer
 * on call gets to see of them.
 *
 * One is in force until its end, unless a valid version of it is newer: then nothing is held back any more. Nothing is
 * kept here: all is read from the store when somebody asks, so a restart changes nothing, and 10,000 of them cost a scrape
 * 5 to 30 ms. Whoever has to know of new ones is told when the store has taken them, so once for each version, however
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
import { quarantineReason } from './core/silence-admission.ts'
import { silenceFromRecord } from './core/silence-codec.ts'

/** As many are shown; the others are counted. */
export const QUARANTINE_SHOWN_MAX = 100

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

interface Held {
  readonly record: ForeignRecord
  readonly silence: Silence
}

function shown({ record, silence }: Held): QuarantinedSilence {
  const { id, endsAtNs } = silence
  return { id, reason: quarantineReason(record, silence), endsAt: formatDateTime(endsAtNs) }
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
      const held = record === undefined ? undefined : this.#inForce(id, record)
      if (held !== undefined) entered(shown(held))
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
    for (const held of this.#all()) {
      if (count++ < QUARANTINE_SHOWN_MAX) silences.push(shown(held))
    }
    return { count, silences }
  }

  /** Stops following the store. */
  close(): void {
    this.#stopWatching()
  }

  *#all(): Generator<Held> {
    for (const [id, record] of this.#records.entries(QUARANTINE_TABLE)) {
      const held = this.#inForce(id, record)
      if (held !== undefined) yield held
    }
  }

  #inForce(id: string, record: ForeignRecord): Held | undefined {
    const valid = this.#records.get(SILENCE_TABLE, id)
    if (valid !== undefined && valid.versionNs >= record.versionNs) return undefined
    const silence = silenceFromRecord(record)
    if (silence === undefined || silence.endsAtNs <= nanosFromMs(this.#clock.wallMs())) return undefined
    return { record, silence }
  }
}
