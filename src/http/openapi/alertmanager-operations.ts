/**
 * Alertmanager's own interface, named so that a client finds it. What its bodies hold is in Alertmanager's description of it,
 * to which this one adds nothing; how far it is followed is in docs/reference/conformance.md.
 */
import { type TSchema, Type } from 'typebox'
import { empty, json, type Operations } from './operation.ts'

const Anything = Type.Object({}, { additionalProperties: true })
const Listed = Type.Array(Anything)
const Filters = Type.Array(Type.String(), {
  description: 'Matchers such as `alertname=DiskFull`; repeatable.',
})
const Flag = Type.String({ description: '`false` leaves them out.' })
const flags = (...names: readonly string[]): Record<string, TSchema> =>
  Object.fromEntries(names.map((name) => [name, Flag]))
const BODY = 'As Alertmanager 0.34 has it.'

export const ALERTMANAGER_OPERATIONS: Operations = {
  'GET /api/v2/status': {
    id: 'getAlertmanagerStatus',
    tag: 'alertmanager',
    summary: 'Cluster, version and configuration',
    answers: { 200: json(BODY, Anything) },
  },
  'GET /api/v2/receivers': {
    id: 'listReceivers',
    tag: 'alertmanager',
    summary: 'Receivers that a replica notifies for',
    query: { receiver_matchers: Filters },
    answers: { 200: json(BODY, Listed) },
  },
  'GET /api/v2/silences': {
    id: 'listSilences',
    tag: 'alertmanager',
    summary: 'List silences',
    query: { filter: Filters, ...flags('active', 'pending', 'expired') },
    answers: { 200: json(BODY, Listed) },
  },
  'POST /api/v2/silences': {
    id: 'postSilence',
    tag: 'alertmanager',
    summary: 'Create or update a silence',
    body: { 'application/json': Anything },
    answers: { 200: json(BODY, Type.Object({ silenceID: Type.String() })) },
  },
  'GET /api/v2/silence/{id}': {
    id: 'getSilence',
    tag: 'alertmanager',
    summary: 'One silence',
    answers: { 200: json(BODY, Anything), 404: empty('There is none.') },
  },
  'DELETE /api/v2/silence/{id}': {
    id: 'expireSilence',
    tag: 'alertmanager',
    summary: 'Expire a silence',
    answers: { 200: empty('It has expired.'), 404: empty('There is none.') },
  },
  'GET /api/v2/alerts': {
    id: 'listAlerts',
    tag: 'alertmanager',
    summary: 'List the alerts of this replica',
    query: {
      filter: Filters,
      ...flags('active', 'silenced', 'inhibited', 'unprocessed'),
      receiver: Type.String({ description: 'A regular expression that receivers match.' }),
      receiver_matchers: Filters,
    },
    answers: { 200: json(BODY, Listed) },
  },
  'POST /api/v2/alerts': {
    id: 'postAlerts',
    tag: 'alertmanager',
    summary: 'Post alerts, as Prometheus does',
    body: { 'application/json': Listed },
    answers: { 200: empty('They are held.') },
  },
}
