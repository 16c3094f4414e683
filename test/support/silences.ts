/** Silences for tests: valid, active around `NOW_MS`, every part replaceable. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type MeshSilence,
  MeshSilenceSchema,
  type SilenceSchema,
} from '../../src/alerting/core/alertmanager_pb.ts'
import { matcher } from '../../src/alerting/core/matcher.ts'
import { instantFromNanos, nanosFromMs } from '../../src/alerting/core/nanos.ts'
import type { Silence } from '../../src/alerting/core/silence.ts'
import type { SilenceRequest } from '../../src/alerting/core/silence-rules.ts'

export const NOW_MS: number = Date.UTC(2026, 10, 21, 12, 0, 0)
export const NOW_NS: bigint = nanosFromMs(NOW_MS)
export const HOUR_NS = 3_600_000_000_000n
export const SILENCE_ID = 'bbbbbbbb-0000-4000-8000-000000000001'

export function aSilence(parts: Partial<Silence> = {}): Silence {
  return {
    id: SILENCE_ID,
    matcherSets: [[matcher('job', '=', 'api')]],
    startsAtNs: NOW_NS - HOUR_NS,
    endsAtNs: NOW_NS + HOUR_NS,
    updatedAtNs: NOW_NS - HOUR_NS,
    expiresAtNs: NOW_NS + 121n * HOUR_NS,
    createdBy: 'ana',
    comment: 'swap',
    annotations: new Map(),
    ...parts,
  }
}

export function aRequest(parts: Partial<SilenceRequest> = {}): SilenceRequest {
  return {
    id: '',
    matchers: [matcher('job', '=', 'api')],
    startsAtNs: NOW_NS - HOUR_NS,
    endsAtNs: NOW_NS + HOUR_NS,
    createdBy: 'ana',
    comment: 'swap',
    annotations: new Map(),
    ...parts,
  }
}

/** A wire message of a valid silence, as an old peer would send it: matchers in field 2 only. */
export function silenceMessage(
  inner: Exclude<MessageInitShape<typeof SilenceSchema>, { $typeName: string }>,
): MeshSilence {
  return create(MeshSilenceSchema, {
    silence: {
      id: SILENCE_ID,
      matchers: [{ type: 0, name: 'job', pattern: 'api' }],
      startsAt: instantFromNanos(NOW_NS - HOUR_NS),
      endsAt: instantFromNanos(NOW_NS + HOUR_NS),
      updatedAt: instantFromNanos(NOW_NS - HOUR_NS),
      createdBy: 'ana',
      comment: 'swap',
      ...inner,
    },
    expiresAt: instantFromNanos(NOW_NS + 121n * HOUR_NS),
  })
}
