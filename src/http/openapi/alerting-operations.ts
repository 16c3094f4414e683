/** Operations for alerting services that do not embed the library. */
import { Type } from 'typebox'
import { empty, json, type Operations } from './operation.ts'
import { Acked, Needed, Time } from './shared-schemas.ts'

const Hashes = Type.Array(Type.String({ description: 'A decimal number of 64 bits.' }))
const Datum = Type.Union([
  Type.String(),
  Type.Number(),
  Type.Null({ description: 'An infinity, which JSON has not.' }),
  Type.Object({ int64: Type.String() }),
])
const LogEntry = {
  key: Type.String(),
  groupKey: Type.String(),
  receiver: Type.Object({ groupName: Type.String(), integration: Type.String(), idx: Type.Integer() }),
  version: Type.String({ description: 'Its exact time in ns.' }),
  timestamp: Time,
  expiresAt: Time,
  firing: Hashes,
  resolved: Hashes,
  receiverData: Type.Record(Type.String(), Datum),
}
const Judged = {
  notify: Type.Boolean(),
  reason: Type.String({
    description:
      '`first`, `new-alerts`, `resolved`, `all-resolved`, `repeat`, `already-notified` or `nothing-to-notify`.',
  }),
  last: Type.Optional(Type.Object(LogEntry, { description: 'The entry that was decided on.' })),
}
const Decision = Type.Object(Judged)
const Logged = Type.Object({ ...LogEntry, acked: Acked, needed: Needed })
const Claim = Type.Object({
  id: Type.String(),
  key: Type.String(),
  expiresAt: Time,
  decision: Type.Optional(Decision),
})
const NoClaim = Type.Object({ key: Type.String(), decision: Decision })
const Ids = Type.Array(Type.String())

export const ALERTING_OPERATIONS: Operations = {
  'POST /api/v1/silences/match': {
    id: 'matchSilences',
    tag: 'alerting',
    summary: 'Which silences mute an alert, or each of several, now',
    answers: {
      200: json(
        'Ids, sorted: of `labels`, or of each of `alerts` in the same order.',
        Type.Object({
          silences: Type.Optional(Ids),
          alerts: Type.Optional(Type.Array(Type.Object({ silences: Ids }))),
        }),
      ),
    },
  },
  'POST /api/v1/notifications/decide': {
    id: 'decideNotification',
    tag: 'alerting',
    summary: 'Whether a notification is due',
    description: 'Reserves nothing.',
    answers: { 200: json('The decision.', Type.Object({ key: Type.String(), ...Judged })) },
  },
  'POST /api/v1/notifications': {
    id: 'logNotification',
    tag: 'alerting',
    summary: 'Log a notification that was sent',
    answers: {
      200: json('Logged.', Logged),
      202: json('Logged here, and not on as many replicas in time as were asked for.', Logged),
    },
  },
  'GET /api/v1/notifications': {
    id: 'listNotifications',
    tag: 'alerting',
    summary: 'List the notification log',
    answers: {
      200: json(
        'One page, by key.',
        Type.Object({ items: Type.Array(Type.Object(LogEntry)), next: Type.Optional(Type.String()) }),
      ),
    },
  },
  'POST /api/v1/claims': {
    id: 'claimNotification',
    tag: 'alerting',
    summary: 'Claim the right to send a notification, or renew a claim with `id`',
    answers: {
      200: json('Renewed; or without `id`: there is nothing to send.', Type.Union([Claim, NoClaim])),
      201: json('Held: send now.', Claim),
    },
  },
  'DELETE /api/v1/claims/{id}': {
    id: 'releaseClaim',
    tag: 'alerting',
    summary: 'Give a claim back',
    answers: { 204: empty('It is free.') },
  },
}
