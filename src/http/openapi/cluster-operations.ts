/** Operations on the cluster and on this replica. */
import { Type } from 'typebox'
import { json, type Operations, text } from './operation.ts'
import { Time } from './shared-schemas.ts'

const Path = Type.Object({
  state: Type.Union([Type.Literal('unknown'), Type.Literal('ok'), Type.Literal('failing')]),
  since: Time,
  heardAt: Type.Optional(Time),
})
const Member = Type.Object({
  name: Type.String(),
  state: Type.Union(['alive', 'suspect', 'dead', 'left'].map((state) => Type.Literal(state))),
  address: Type.String(),
  incarnation: Type.Integer(),
  rttMs: Type.Optional(Type.Number({ description: 'Of the last acknowledged probe.' })),
  clockOffsetMs: Type.Optional(Type.Number({ description: 'Its wall clock minus ours.' })),
  class: Type.Union([Type.Literal('native'), Type.Literal('foreign')], {
    description: '`native` is hearsay, `foreign` any other memberlist program.',
  }),
  isSelf: Type.Boolean(),
  version: Type.Optional(Type.String({ description: 'Release of hearsay that it runs.' })),
  sameState: Type.Optional(
    Type.Boolean({ description: 'Whether it held exactly what is here when it was last looked at.' }),
  ),
  udp: Type.Optional(Path),
  tcp: Type.Optional(Path),
})
const SharedName = Type.Object({
  name: Type.String(),
  isSelf: Type.Boolean(),
  isUnlisted: Type.Boolean(),
  address: Type.String(),
  otherAddress: Type.String(),
  since: Time,
  seenAt: Time,
})
const Cluster = Type.Object({
  name: Type.String({ description: 'Of this replica.' }),
  left: Type.Boolean({ description: 'Whether it has left on request.' }),
  settled: Type.Boolean(),
  healthScore: Type.Integer({ description: '0 is healthy; higher: this process is slow itself.' }),
  lag: Type.Object({
    members: Type.Integer({ description: 'Live replicas that held something else when last looked at.' }),
    ms: Type.Number({ description: 'For how long the longest of them has, at every look.' }),
  }),
  warnings: Type.Array(Type.String()),
  sharedNames: Type.Array(SharedName),
  members: Type.Array(Member),
  lost: Type.Array(
    Type.Object({ name: Type.String(), state: Type.Literal('lost'), address: Type.String(), since: Time }),
  ),
})
const Keys = Type.Object({
  keys: Type.Array(
    Type.Object({ fingerprint: Type.String(), bytes: Type.Integer(), primary: Type.Boolean() }),
  ),
  verifyIncoming: Type.Boolean(),
  verifyOutgoing: Type.Boolean(),
  file: Type.Optional(Type.String()),
  loadedAt: Type.Optional(Time),
  error: Type.Optional(Type.String({ description: 'Why the file, as it is now, is not in use.' })),
})
const Joined = Type.Object({
  name: Type.String(),
  left: Type.Boolean(),
  contacted: Type.Array(Type.String(), { description: 'Addresses that answered.' }),
  failed: Type.Array(Type.Object({ address: Type.String(), reason: Type.String() })),
})
const Counters = Type.Object({}, { additionalProperties: true })
const Status = Type.Object({
  name: Type.String(),
  version: Type.String(),
  startedAt: Time,
  ready: Type.Boolean(),
  reasons: Type.Array(Type.String(), { description: 'Why it is not ready.' }),
  left: Type.Boolean(),
  settled: Type.Boolean(),
  lag: Type.Object({ members: Type.Integer(), ms: Type.Integer() }),
  lost: Type.Integer({ description: 'Members that died and are listed no more.' }),
  warnings: Type.Array(Type.String()),
  clock: Type.Object({
    worstOffsetMs: Type.Optional(
      Type.Number({ description: 'Of the live member that is furthest from ours.' }),
    ),
    refusing: Type.Optional(Type.String({ description: 'Why writes are refused for our own clock.' })),
  }),
  http: Type.Optional(Counters),
  gossip: Type.Optional(Counters),
  store: Counters,
  silences: Counters,
  disk: Type.Optional(Type.Object({ freeBytes: Type.Integer(), bytes: Type.Integer() })),
  watches: Counters,
  notifier: Counters,
  quarantinedSilences: Type.Object({
    count: Type.Integer(),
    silences: Type.Array(Type.Object({ id: Type.String(), reason: Type.String(), endsAt: Time })),
  }),
})
const Reloaded = Type.Object({
  applied: Type.Array(Type.String()),
  needsRestart: Type.Array(
    Type.Object({ option: Type.String(), current: Type.Unknown(), wanted: Type.Unknown() }),
  ),
  reread: Type.Array(Type.String()),
  unchanged: Type.Integer(),
})

export const CLUSTER_OPERATIONS: Operations = {
  'GET /api/v1/cluster': {
    id: 'getCluster',
    tag: 'cluster',
    summary: 'The members as this replica sees them, and how well it is itself',
    answers: { 200: json('The cluster.', Cluster) },
  },
  'POST /api/v1/cluster/join': {
    id: 'joinCluster',
    tag: 'cluster',
    summary: 'Enter the cluster again after a leave, or call on peers',
    description: 'Without `peers`: those that the replica knows. Answered when each has answered or failed.',
    mayLackBody: true,
    answers: { 200: json('At least one answered, or there was nobody to call.', Joined) },
  },
  'POST /api/v1/cluster/leave': {
    id: 'leaveCluster',
    tag: 'cluster',
    summary: 'Take this replica out of its cluster',
    description: 'It goes on serving what it holds, is not ready, and hears nothing until it joins.',
    mayLackBody: true,
    answers: {
      200: json('The peers have been told.', Type.Object({ name: Type.String(), left: Type.Boolean() })),
    },
  },
  'GET /api/v1/owner/{key}': {
    id: 'getOwner',
    tag: 'cluster',
    summary: 'Which live replica owns a piece of work',
    answers: {
      200: json(
        'The owner.',
        Type.Object({ key: Type.String(), owner: Type.String(), isSelf: Type.Boolean() }),
      ),
    },
  },
  'GET /api/v1/cluster/keys': {
    id: 'listGossipKeys',
    tag: 'cluster',
    summary: 'The gossip keys, by fingerprint',
    answers: { 200: json('The keys, the primary first.', Keys) },
  },
  'POST /api/v1/cluster/keys': {
    id: 'addGossipKey',
    tag: 'cluster',
    summary: 'Add a gossip key, to open with',
    answers: { 200: json('It was there before.', Keys), 201: json('It was added.', Keys) },
  },
  'PUT /api/v1/cluster/keys/primary': {
    id: 'useGossipKey',
    tag: 'cluster',
    summary: 'Encrypt with another gossip key',
    answers: { 200: json('It encrypts from now on.', Keys) },
  },
  'DELETE /api/v1/cluster/keys/{fingerprint}': {
    id: 'removeGossipKey',
    tag: 'cluster',
    summary: 'Remove a gossip key',
    answers: { 200: json('It opens nothing any more.', Keys) },
  },
  'GET /api/v1/status': {
    id: 'getStatus',
    tag: 'replica',
    summary: 'What this replica says of itself',
    answers: { 200: json('For people: what is inside the parts may change.', Status) },
  },
  'GET /api/v1/snapshot': {
    id: 'saveSnapshot',
    tag: 'replica',
    summary: 'The whole state as a file',
    description: 'For `hearsay snapshot restore`. Its end carries a hash: check what arrived.',
    answers: {
      200: { description: 'The file.', content: { 'application/vnd.hearsay.snapshot': undefined } },
    },
  },
  'GET /api/v1/openapi.json': {
    id: 'getOpenApi',
    tag: 'replica',
    summary: 'This document',
    answers: { 200: json('OpenAPI 3.1.', Type.Object({}, { additionalProperties: true })) },
  },
  'GET /': {
    id: 'getIndex',
    tag: 'replica',
    summary: 'What there is',
    answers: { 200: text('The release and a few paths.') },
  },
  'GET /-/healthy': {
    id: 'getHealth',
    tag: 'replica',
    summary: 'Whether the process answers',
    answers: { 200: text('It does.') },
  },
  'GET /-/ready': {
    id: 'getReadiness',
    tag: 'replica',
    summary: 'Whether this replica is fit to serve',
    answers: { 200: text('It is.'), 503: text('It is not; one reason a line.') },
  },
  'POST /-/reload': {
    id: 'reload',
    tag: 'replica',
    summary: 'Read the configuration again',
    answers: { 200: json('What came of it.', Reloaded) },
  },
  'GET /metrics': {
    id: 'getMetrics',
    tag: 'replica',
    summary: 'Metrics for Prometheus',
    answers: { 200: text('The text format of Prometheus.') },
  },
}
