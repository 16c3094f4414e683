/**
 * What a library write may ask of other replicas, and what it says of them: the write concern of `?ack=` over HTTP.
 *
 * A write resolves once it is fsynced here, and with `ack` once so many replicas have it on disk, or the time is up.
 * What was not reached in time is no error, as over HTTP it is a 202: the write is durable here and goes on spreading,
 * and `reached` says so.
 */
import { parseDuration } from '../base/duration.ts'
import { HearsayError } from '../base/errors.ts'
import { ACK_TIMEOUT_MS_MAX } from '../http/acknowledgement.ts'
import { ACK_TIMEOUT_MS, type Ack, type Acknowledgements, checkAck } from '../store/core/acknowledgement.ts'
import type { Committed } from '../store/key-value.ts'
import { abortable } from './abortable.ts'

export type { Ack }

/** What every write takes. */
export interface WriteOptions {
  /**
   * Replicas that shall have the write on disk before it resolves: `local` (the default) this one; a number so many, this
   * one included; `majority` and `all` of the hearsay members that have not left.
   */
  readonly ack?: Ack
  /** How long to wait for other replicas, such as `500ms`; at most 60s. Default 2s. */
  readonly timeout?: string
  /**
   * Ends the waiting: the promise rejects with the signal's reason. Aborted before the call: nothing is written. After
   * it: the write takes place all the same.
   */
  readonly signal?: AbortSignal
}

const OPTIONS: readonly string[] = ['ack', 'timeout', 'signal'] satisfies (keyof WriteOptions)[]

/** What every write resolves to, among other things. */
export interface Acknowledged {
  /** Whether as many replicas have it as `ack` asked for. False: they had not said so in time; it goes on spreading. */
  readonly reached: boolean
  /** Names of the replicas that have it on disk, this one first. */
  readonly acked: readonly string[]
}

/**
 * @param write makes it durable here
 * @throws what `write` throws; the reason of `options.signal`; HearsayError `ACK_UNREACHABLE`, `ACK_MALFORMED`,
 *   `ACK_OVERLOADED`, `DURATION_MALFORMED`, `OPTION_INVALID`, with nothing written
 */
export async function acknowledged<W extends Committed>(
  acks: Acknowledgements,
  options: WriteOptions,
  write: () => Promise<W>,
): Promise<{ readonly written: W; readonly acknowledged: Acknowledged }> {
  const { ack = 'local', timeoutMs = ACK_TIMEOUT_MS, signal } = checkedWriteOptions(options)
  const plan = acks.plan(ack)
  const written = await abortable(write(), signal)
  const { reached, acked } = await abortable(acks.confirm(plan, written.deltas, timeoutMs), signal)
  return { written, acknowledged: { reached, acked } }
}

/** What a caller has said, where it has said so. */
export interface CheckedWriteOptions {
  readonly ack: Ack | undefined
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * @throws the reason of `options.signal`; HearsayError `ACK_MALFORMED`, `DURATION_MALFORMED`, `OPTION_INVALID`
 */
export function checkedWriteOptions(options: WriteOptions): CheckedWriteOptions {
  checkOptions(options)
  const { ack, timeout, signal } = options
  signal?.throwIfAborted()
  if (ack !== undefined) checkAck(ack)
  return { ack, timeoutMs: timeout === undefined ? undefined : checkedTimeout(timeout), signal }
}

/** For programs without types: a misspelt option would be a write that does less than was meant. */
function checkOptions(options: WriteOptions): void {
  if (typeof options !== 'object') throw new HearsayError('OPTION_INVALID', 'options must be an object')
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) {
    throw new HearsayError('OPTION_INVALID', `${unknown} is no option of this write`)
  }
  const { timeout, signal } = options
  if (timeout !== undefined) checkDurationText('timeout', timeout)
  // By what it can do, not by its class: a signal may come from another realm.
  if (signal !== undefined && typeof signal.throwIfAborted !== 'function') {
    throw new HearsayError('OPTION_INVALID', 'signal must be an AbortSignal')
  }
}

/** @throws HearsayError `OPTION_INVALID` for what is no text, such as a number of unknown unit */
export function checkDurationText(name: string, duration: unknown): void {
  if (typeof duration === 'string') return
  throw new HearsayError('OPTION_INVALID', `${name} must be text such as 500ms or 1h30m`)
}

function checkedTimeout(timeout: string): number {
  const timeoutMs = parseDuration(timeout)
  if (timeoutMs === 0 || timeoutMs > ACK_TIMEOUT_MS_MAX) {
    throw new HearsayError(
      'ACK_MALFORMED',
      `timeout must be more than 0 and at most ${ACK_TIMEOUT_MS_MAX / 1000}s`,
    )
  }
  return timeoutMs
}
