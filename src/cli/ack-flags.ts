/**
 * `--ack` and `--timeout` of writes: on how many replicas a write must be on disk before the command ends well. One that
 * did not get there in time is written all the same, and goes on spreading; the command says who has it and ends with 1,
 * so that a script that asked for more than one replica does not go on as if it had them.
 */
import type { Command } from 'commander'
import { parseDuration } from '../base/duration.ts'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { shown } from './output.ts'
import { usageChecked } from './usage-checked.ts'

export interface AckFlags {
  readonly ack?: string
  readonly timeout?: string
}

export interface AckAnswer {
  readonly acked: readonly string[]
  /** How many were to have it; only where they do not. */
  readonly needed?: number
}

/** The replica answers after the write's own timeout; beyond it the answer may take so long. */
const ANSWER_TIMEOUT_MS = 30_000

export function addAckFlags(command: Command): Command {
  return command
    .option('--ack <WHO>', 'Replicas that must have it on disk: local, a number, majority or all')
    .option('--timeout <DURATION>', 'How long to wait for them; at most 60s')
}

export function ackQuery({ ack, timeout }: AckFlags): Readonly<Record<string, string | undefined>> {
  return { ack, timeout }
}

/** How long the request may take as a whole. @throws CliError 2 for what is no duration */
export function ackSignal({ timeout }: AckFlags): AbortSignal {
  const timeoutMs = timeout === undefined ? 0 : usageChecked(() => parseDuration(timeout), '--timeout: ')
  return AbortSignal.timeout(Math.min(timeoutMs, ANSWER_TIMEOUT_MS * 10) + ANSWER_TIMEOUT_MS)
}

/** @throws CliError 1 for a write that fewer have than were asked for */
export function checkAcked({ acked, needed }: AckAnswer): void {
  if (needed === undefined) return
  throw new CliError(
    EXIT.failed,
    `written, but only ${acked.length} of ${needed} replicas have confirmed it in time: ${acked.map(shown).join(', ')}`,
  )
}
