/**
 * What the routes of notifications and claims have in common: receivers, alerts by their labels or by their hashes, and
 * entries of the log as JSON. Hashes are decimal strings, since 64 bits do not fit a number of JSON.
 */
import { type TBoolean, type TOptional, type TString, type TUnsafe, Type } from 'typebox'
import { IDENTITY_BYTES_MAX } from '../../alerting/core/admission.ts'
import { formatDateTime, parseDateTime } from '../../alerting/core/date-time.ts'
import { hasEnded, nanosFromMs } from '../../alerting/core/nanos.ts'
import type { Notification, ReceiverDatum } from '../../alerting/core/notification.ts'
import type { DecidedFlush } from '../../alerting/core/notification-decision.ts'
import { notificationKey, type Receiver } from '../../alerting/core/receiver.ts'
import { bodyFault, durationField } from '../body-fault.ts'
import { HttpError } from '../problem.ts'

export const ALERTS_MAX = 10_000
const REPEAT_MS_MAX = 3650 * 86_400_000
const IDX_MAX = 0xffff_ffff
const HASH_END = 1n << 64n
const LONE_SURROGATE = /\p{Surrogate}/u

const Text = Type.String({ minLength: 1 })
const Hashes = Type.Array(Type.String({ pattern: '^[0-9]{1,20}$' }), { maxItems: ALERTS_MAX })
const GivenReceiver = Type.Object(
  {
    groupName: Text,
    integration: Text,
    idx: Type.Optional(Type.Integer({ minimum: 0, maximum: IDX_MAX })),
  },
  { additionalProperties: false },
)
/** What else an alert has, such as its annotations, is not looked at. */
const Alert = Type.Object({
  labels: Type.Record(Type.String(), Type.String()),
  status: Type.Optional(Type.Union([Type.Literal('firing'), Type.Literal('resolved')])),
  endsAt: Type.Optional(Type.String()),
})
const Datum = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Object({ int64: Type.String({ pattern: '^-?[0-9]{1,19}$' }) }, { additionalProperties: false }),
])

export interface WorkBody {
  readonly groupKey: string
  readonly receiver: { readonly groupName: string; readonly integration: string; readonly idx?: number }
}

export interface AlertBody {
  readonly labels: Readonly<Record<string, string>>
  readonly status?: 'firing' | 'resolved'
  readonly endsAt?: string
}

/** Either `alerts`, or `firing` and `resolved`. */
export interface SidesBody {
  readonly alerts?: readonly AlertBody[]
  readonly firing?: readonly string[]
  readonly resolved?: readonly string[]
}

/** How a flush is judged. */
export interface JudgedBody extends SidesBody {
  readonly repeatInterval: string
  readonly sendResolved?: boolean
  readonly flushedAt?: string
}

export type ReceiverDataBody = Readonly<Record<string, string | number | { readonly int64: string }>>

export const WORK: {
  readonly groupKey: TUnsafe<WorkBody['groupKey']>
  readonly receiver: TUnsafe<WorkBody['receiver']>
} = { groupKey: Type.Unsafe(Text), receiver: Type.Unsafe(GivenReceiver) }

export const SIDES: {
  readonly alerts: TOptional<TUnsafe<readonly AlertBody[]>>
  readonly firing: TOptional<TUnsafe<readonly string[]>>
  readonly resolved: TOptional<TUnsafe<readonly string[]>>
} = {
  alerts: Type.Optional(Type.Unsafe(Type.Array(Alert, { maxItems: ALERTS_MAX }))),
  firing: Type.Optional(Type.Unsafe(Hashes)),
  resolved: Type.Optional(Type.Unsafe(Hashes)),
}

export const JUDGED: {
  readonly repeatInterval: TString
  readonly sendResolved: TOptional<TBoolean>
  readonly flushedAt: TOptional<TString>
} = {
  repeatInterval: Type.String(),
  sendResolved: Type.Optional(Type.Boolean()),
  flushedAt: Type.Optional(Type.String()),
}

export const RECEIVER_DATA: TUnsafe<ReceiverDataBody> = Type.Unsafe(
  Type.Record(Type.String(), Datum, { maxProperties: 64 }),
)

/** What a notification is for, and its key in the log. */
export interface Work {
  readonly groupKey: string
  readonly receiver: Receiver
  readonly key: string
}

/** What bodies are read with. */
export interface BodyContext {
  readonly nowMs: number
  readonly labelHash: (labels: Readonly<Record<string, string>>) => bigint
}

export interface Sides {
  readonly firing: readonly bigint[]
  readonly resolved: readonly bigint[]
}

/** @throws HttpError `HTTP_BODY_INVALID` for texts that cannot be a key of the log */
export function workOf({ groupKey, receiver: given }: WorkBody): Work {
  const { groupName, integration, idx = 0 } = given
  for (const [name, text] of Object.entries({ groupKey, groupName, integration })) {
    if (LONE_SURROGATE.test(text))
      throw bodyFault(name === 'groupKey' ? name : `receiver.${name}`, 'has half of a surrogate pair')
  }
  const receiver = { groupName, integration, idx }
  const key = notificationKey(groupKey, receiver)
  if (Buffer.byteLength(key) <= IDENTITY_BYTES_MAX) return { groupKey, receiver, key }
  throw new HttpError(
    'HTTP_BODY_INVALID',
    `groupKey and receiver may have ${IDENTITY_BYTES_MAX} bytes of UTF-8 together`,
    IDENTITY_BYTES_MAX,
  )
}

/** @throws HttpError `HTTP_BODY_INVALID` */
export function sidesOf(body: SidesBody, { nowMs, labelHash }: BodyContext): Sides {
  const { alerts, firing, resolved } = body
  if ((alerts === undefined) === (firing === undefined && resolved === undefined)) {
    throw invalid('either alerts, or firing and resolved, must be given')
  }
  if (alerts === undefined) {
    return { firing: hashesOf('firing', firing ?? []), resolved: hashesOf('resolved', resolved ?? []) }
  }
  const [fires, ended] = [new Set<bigint>(), new Set<bigint>()]
  for (const [index, { labels, status, endsAt }] of alerts.entries()) {
    const isEnded =
      status === undefined
        ? endsAt !== undefined && hasEnded(instantOf(`alerts[${index}].endsAt`, endsAt), nowMs)
        : status === 'resolved'
    const side = isEnded ? ended : fires
    side.add(labelHash(labels))
  }
  for (const hash of fires) ended.delete(hash)
  return { firing: [...fires], resolved: [...ended] }
}

/** @throws HttpError `HTTP_BODY_INVALID`, `DURATION_MALFORMED` */
export function judgedOf(body: JudgedBody, context: BodyContext): DecidedFlush {
  const { repeatInterval, sendResolved = true, flushedAt } = body
  return {
    ...sidesOf(body, context),
    repeatIntervalMs: durationOf('repeatInterval', repeatInterval, 0, REPEAT_MS_MAX),
    sendResolved,
    flushedAtNs: flushedAt === undefined ? nanosFromMs(context.nowMs) : instantOf('flushedAt', flushedAt),
  }
}

/** @throws HttpError `HTTP_BODY_INVALID`, `DURATION_MALFORMED` */
export function durationOf(name: string, text: string, minMs: number, maxMs: number): number {
  const durationMs = durationField(name, text)
  if (durationMs >= minMs && durationMs <= maxMs) return durationMs
  throw bodyFault(name, `must be ${minMs / 1000}s to ${maxMs / 1000}s`)
}

/** @throws HttpError `HTTP_BODY_INVALID` */
export function receiverDataOf(body: ReceiverDataBody | undefined): ReadonlyMap<string, ReceiverDatum> {
  return new Map(
    Object.entries(body ?? {}).map(([key, value]): [string, ReceiverDatum] => {
      if (typeof value !== 'object') return [key, value]
      const whole = BigInt(value.int64)
      if (BigInt.asIntN(64, whole) === whole) return [key, whole]
      throw bodyFault(`receiverData.${key}.int64`, 'is beyond 64 bits')
    }),
  )
}

/** An entry as JSON; `version` is its exact time in ns. */
export function shownEntry(entry: Notification): Readonly<Record<string, unknown>> {
  const { groupKey, receiver, timestampNs, expiresAtNs, firing, resolved, receiverData } = entry
  return {
    key: notificationKey(groupKey, receiver),
    groupKey,
    receiver,
    version: String(timestampNs),
    timestamp: formatDateTime(timestampNs),
    expiresAt: formatDateTime(expiresAtNs),
    firing: firing.map(String),
    resolved: resolved.map(String),
    receiverData: Object.fromEntries([...receiverData].map(([key, value]) => [key, shownDatum(value)])),
  }
}

/** JSON has no infinities: such a number, from another program, is null. */
function shownDatum(value: ReceiverDatum): unknown {
  return typeof value === 'bigint' ? { int64: String(value) } : value
}

function hashesOf(name: string, texts: readonly string[]): bigint[] {
  return texts.map((text, index) => {
    const hash = BigInt(text)
    if (hash < HASH_END) return hash
    throw bodyFault(`${name}[${index}]`, 'is beyond 64 bits')
  })
}

function instantOf(name: string, text: string): bigint {
  const ns = text === '' ? undefined : parseDateTime(text)
  if (ns === undefined) throw bodyFault(name, 'must be a date and time as in RFC 3339')
  return ns
}

function invalid(detail: string): HttpError {
  return new HttpError('HTTP_BODY_INVALID', detail)
}
