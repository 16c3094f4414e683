/**
 * How many silences this replica makes, and how large: Alertmanager's rules and words (alertmanager-state.md 3.8). They
 * hold for requests; what peers send is taken as it is, or replicas would differ.
 */
import { HearsayError } from '../../base/errors.ts'
import type { Silence } from './silence.ts'
import { silenceSize } from './silence-codec.ts'

export interface SilenceLimits {
  /** Of all silences stored, expired ones too; 0 for none. */
  readonly silencesMax: number
  /** Of the record without the second copy of its matchers; 0 for none. */
  readonly silenceBytesMax: number
}

/** As far as a limit may go. */
export const SILENCES_MAX = 100_000_000
export const NO_SILENCE_LIMITS: SilenceLimits = { silencesMax: 0, silenceBytesMax: 0 }

/** Codes of the errors with which a limit refuses. */
export type SilenceLimitCode = 'SILENCES_MAX' | 'SILENCE_TOO_LARGE'

export function isSilenceLimitCode(code: string | undefined): code is SilenceLimitCode {
  return code === 'SILENCES_MAX' || code === 'SILENCE_TOO_LARGE'
}

/** @throws HearsayError `SILENCES_MAX` when there is no room for one more */
export function checkSilenceCount(stored: number, { silencesMax }: SilenceLimits): void {
  if (silencesMax === 0 || stored < silencesMax) return
  throw new HearsayError(
    'SILENCES_MAX',
    `exceeded maximum number of silences: ${stored} (limit: ${silencesMax})`,
  )
}

/** @throws HearsayError `SILENCE_TOO_LARGE` */
export function checkSilenceSize(silence: Silence, { silenceBytesMax }: SilenceLimits): void {
  if (silenceBytesMax === 0) return
  const bytes = silenceSize(silence)
  if (bytes <= silenceBytesMax) return
  throw new HearsayError(
    'SILENCE_TOO_LARGE',
    `silence exceeded maximum size: ${bytes} bytes (limit: ${silenceBytesMax} bytes)`,
  )
}
