/**
 * Silences of this replica: what the HTTP interface and embedders call.
 *
 * Reads come from decoded silences in memory (core/silence-book.ts), which follow the store's changes; a query decodes
 * nothing.
 * Writes decide on the stored version inside the store's atomic write, so two edits of one silence at the same moment
 * cannot overwrite each other, and resolve once durable.
 *
 * Quarantined silences (core/silence-admission.ts) can be ended; otherwise nothing here sees them (quarantine.ts).
 */
import type { Clock } from '../base/clock.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import type { ForeignRecord } from '../store/core/delta.ts'
import type { RecordStage, Records } from '../store/records.ts'
import { QUARANTINE_TABLE, SILENCE_TABLE } from './core/admission.ts'
import { type Matcher, operatorOf } from './core/matcher.ts'
import { nanosFromMs } from './core/nanos.ts'
import type { Silence, SilenceState } from './core/silence.ts'
import { SilenceBook } from './core/silence-book.ts'
import { encodeSilence, rememberSilence, silenceFromRecord } from './core/silence-codec.ts'
import {
  isSilenceLimitCode,
  NO_SILENCE_LIMITS,
  type SilenceLimitCode,
  type SilenceLimits,
} from './core/silence-limits.ts'
import { querySilences, type SilenceQuery } from './core/silence-query.ts'
import { planExpiry, planSilence, type SilenceRequest } from './core/silence-rules.ts'
import { silenceFault } from './core/silence-validation.ts'
import { Quarantine, type QuarantinedSilence } from './quarantine.ts'

export interface SilencesOptions {
  /** How long an ended silence is remembered. */
  readonly retentionMs: number
  /** A fresh version 4 UUID, lower case. */
  readonly newId: () => string
  /** Of requests made here; what is left out is not bounded. */
  readonly limits?: Partial<SilenceLimits>
  /** Hears each silence of a peer that is held back from now on. */
  readonly quarantined?: (silence: QuarantinedSilence) => void
  /** Hears of each request that a limit has refused; `message` is what the client is told. */
  readonly refused?: (code: SilenceLimitCode, message: string) => void
}

export class Silences {
  /** Silences of peers that are held back. */
  readonly quarantine: Quarantine
  /** For metrics: lists, single silences and matches that were asked for, and single ones that do not exist. */
  readonly lookups: { all: number; unknown: number } = { all: 0, unknown: 0 }
  readonly #refused: Record<SilenceLimitCode, number> = { SILENCES_MAX: 0, SILENCE_TOO_LARGE: 0 }
  readonly #records: Records
  readonly #clock: Clock
  readonly #options: SilencesOptions
  readonly #book: SilenceBook
  /** Silences that were written and are not in the book yet: they count. */
  readonly #arriving = new Set<string>()
  readonly #stopWatching: () => void

  constructor(records: Records, clock: Clock, options: SilencesOptions) {
    this.#records = records
    this.#clock = clock
    this.#options = options
    this.#book = new SilenceBook(clock.wallMs())
    this.quarantine = new Quarantine(records, clock, options.quarantined ?? (() => undefined))
    for (const [id, record] of records.entries(SILENCE_TABLE)) this.#follow(id, record)
    this.#stopWatching = records.watch(SILENCE_TABLE, (id, record) => this.#follow(id, record))
  }

  /**
   * Creates a silence, edits one in place, or replaces one (core/silence-rules.ts). Resolves once durable.
   *
   * @returns the id of the silence that holds the request
   * @throws HearsayError `SILENCE_INVALID`, `SILENCE_NOT_FOUND`, `SILENCES_MAX`, `SILENCE_TOO_LARGE`, and then all is as it
   *   was; and what the store throws
   */
  create(request: SilenceRequest): Promise<string> {
    return this.#request(request.id, () => request)
  }

  /**
   * The same for an edit that goes by what is stored at the moment of writing.
   *
   * @param change makes the request out of it; what it throws is thrown
   * @throws as `create`
   */
  update(id: string, change: (existing: Silence) => SilenceRequest): Promise<string> {
    return this.#request(id, (existing) => {
      if (existing === undefined) throw new HearsayError('SILENCE_NOT_FOUND', 'silence not found')
      return change(existing)
    })
  }

  async #request(id: string, requestFor: (existing: Silence | undefined) => SilenceRequest): Promise<string> {
    const newId = this.#options.newId()
    const limits = { ...NO_SILENCE_LIMITS, ...this.#options.limits }
    try {
      return await this.#write(SILENCE_TABLE, (stage) => {
        const existing = id === '' ? undefined : staged(stage, id)
        const request = requestFor(existing)
        const stored = this.#book.size + this.#arriving.size
        const plan = planSilence(request, { existing, ...this.#edit(), stored, limits }, newId)
        if (plan.id === newId) this.#arriving.add(newId)
        for (const silence of plan.puts) putSilence(stage, silence)
        return { result: plan.id, ids: plan.puts.map((silence) => silence.id) }
      })
    } catch (error) {
      this.#noteLimit(error)
      throw error
    } finally {
      this.#arriving.delete(newId)
    }
  }

  /**
   * Ends a silence now; one that has ended already stays as it is. Resolves once durable.
   *
   * @throws HearsayError `SILENCE_NOT_FOUND`; and what the store throws
   */
  async expire(id: string): Promise<void> {
    const tables = [SILENCE_TABLE, QUARANTINE_TABLE].filter(
      (table) => this.#records.get(table, id) !== undefined,
    )
    if (tables.length === 0) throw new HearsayError('SILENCE_NOT_FOUND', 'silence not found')
    for (const table of tables) {
      if (table === QUARANTINE_TABLE) await this.#endQuarantined(id)
      else await this.#end(id)
    }
  }

  async #end(id: string): Promise<void> {
    await this.#write(SILENCE_TABLE, (stage) => {
      const existing = staged(stage, id)
      const ended = existing === undefined ? undefined : planExpiry({ existing, ...this.#edit() })
      if (ended !== undefined) putSilence(stage, ended)
      return { result: undefined, ids: [id] }
    })
  }

  /** What ends it may be valid: then it goes where peers put it, who judge it anew. */
  async #endQuarantined(id: string): Promise<void> {
    const record = this.#records.get(QUARANTINE_TABLE, id)
    const existing = record === undefined ? undefined : silenceFromRecord(record)
    const ended = existing === undefined ? undefined : planExpiry({ existing, ...this.#edit() })
    if (ended === undefined) return
    const listable = { ...ended, matcherSets: ended.matcherSets.map((set) => set.map(listableMatcher)) }
    const table = silenceFault(listable) === undefined ? SILENCE_TABLE : QUARANTINE_TABLE
    await this.#write(table, (stage) => {
      putSilence(stage, listable)
      return { result: undefined, ids: [id] }
    })
  }

  get(id: string): Silence | undefined {
    const silence = this.#book.get(id)
    this.lookups.all++
    if (silence === undefined) this.lookups.unknown++
    return silence
  }

  /** Every silence known, in no particular order; do not write while iterating. */
  all(): Iterable<Silence> {
    return this.#book.all()
  }

  /** In list order, by the states at this moment. */
  query(query: SilenceQuery): readonly Silence[] {
    this.lookups.all++
    return querySilences(this.#book.all(), query, this.nowNs())
  }

  /** By state just now; looks at those only whose state has changed since it was asked last. */
  counts(): Readonly<Record<SilenceState, number>> {
    return this.#book.counts(this.#clock.wallMs())
  }

  /** Ids of the silences that mute an alert with these labels just now, sorted; empty: it is not muted. */
  matching(labels: Readonly<Record<string, string>>): readonly string[] {
    this.lookups.all++
    return this.#book.matching(new Map(Object.entries(labels)), this.#clock.wallMs())
  }

  /** Requests that a limit has refused, by its code. */
  refused(): Readonly<Record<SilenceLimitCode, number>> {
    return { ...this.#refused }
  }

  nowNs(): bigint {
    return nanosFromMs(this.#clock.wallMs())
  }

  /** Stops following the store. */
  close(): void {
    this.#stopWatching()
    this.quarantine.close()
  }

  #noteLimit(error: unknown): void {
    const code = errorCode(error)
    if (!(error instanceof HearsayError) || !isSilenceLimitCode(code)) return
    this.#refused[code]++
    this.#options.refused?.(code, error.message)
  }

  #edit(): { readonly nowNs: bigint; readonly retentionNs: bigint } {
    return { nowNs: this.nowNs(), retentionNs: nanosFromMs(this.#options.retentionMs) }
  }

  async #write<T>(
    table: string,
    operation: (stage: RecordStage) => { readonly result: T; readonly ids: readonly string[] },
  ): Promise<T> {
    const written = await this.#records.write(table, operation)
    const { result, ids } = written.result
    // The watch may tell us later; whoever awaited the write reads it now.
    if (table === SILENCE_TABLE) for (const id of ids) this.#follow(id, this.#records.get(table, id))
    return result
  }

  #follow(id: string, record: ForeignRecord | undefined): void {
    const silence = record === undefined ? undefined : silenceFromRecord(record)
    this.#arriving.delete(id)
    if (silence === undefined) this.#book.remove(id)
    else if (silence !== this.#book.get(id)) this.#book.put(silence)
  }
}

/** Of a type that Alertmanagers know: with another one, even an ended silence makes them fail the whole list. */
function listableMatcher(of: Matcher): Matcher {
  return operatorOf(of.type) === undefined ? { ...of, type: 0 } : of
}

function putSilence(stage: RecordStage, silence: Silence): void {
  const record = encodeSilence(silence)
  rememberSilence(record, silence)
  stage.put(silence.id, record)
}

function staged(stage: RecordStage, id: string): Silence | undefined {
  const record = stage.get(id)
  return record === undefined ? undefined : silenceFromRecord(record)
}
