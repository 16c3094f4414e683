/** Operations on values, sets, batches and their changes. */
import { type TSchema, Type } from 'typebox'
import { empty, json, type Operations } from './operation.ts'
import { Acked, Needed, Time, Version } from './shared-schemas.ts'

const Next = Type.Optional(Type.String({ description: 'There are more: `after` of the following page.' }))
const Counted = Type.Object({ name: Type.String(), count: Type.Integer() })
const Written = Type.Object({
  map: Type.String(),
  key: Type.String(),
  version: Version,
  expiresAt: Type.Optional(Time),
  acked: Acked,
  needed: Needed,
})
const Added = Type.Object({ set: Type.String(), member: Type.String(), acked: Acked, needed: Needed })
const Deleted = Type.Object({ map: Type.String(), key: Type.String(), acked: Acked, needed: Needed })
const Item = {
  value: Type.Optional(Type.Unknown({ description: 'Of JSON values, as they were written.' })),
  valueBase64: Type.Optional(Type.String({ description: 'Of all other values.' })),
  contentType: Type.Optional(Type.String()),
}
const Entry = Type.Object({
  key: Type.String(),
  ...Item,
  contentType: Type.String(),
  version: Version,
  updatedAt: Time,
  expiresAt: Type.Optional(Time),
})
const MapName = { map: Type.String(), key: Type.String() }
const SetName = { set: Type.String(), member: Type.String() }
const Op = Type.Union([
  Type.Object({ op: Type.Literal('put'), ...MapName, ...Item, ttl: Type.Optional(Type.String()) }),
  Type.Object({ op: Type.Literal('delete'), ...MapName }),
  Type.Object({ op: Type.Literal('add'), ...SetName }),
  Type.Object({ op: Type.Literal('remove'), ...SetName }),
])
const Result = Type.Union([
  Type.Object({
    op: Type.Literal('put'),
    ...MapName,
    version: Version,
    created: Type.Boolean(),
    expiresAt: Type.Optional(Time),
  }),
  Type.Object({ op: Type.Literal('delete'), ...MapName, existed: Type.Boolean() }),
  Type.Object({ op: Type.Literal('add'), ...SetName, added: Type.Boolean() }),
  Type.Object({ op: Type.Literal('remove'), ...SetName, existed: Type.Boolean() }),
])
const Results = Type.Object({ results: Type.Array(Result), acked: Acked, needed: Needed })
const Change = Type.Object({
  type: Type.String({ description: '`put`, `delete`, `add` or `remove`.' }),
  cursor: Type.String({ description: 'Of this change.' }),
  map: Type.Optional(Type.String()),
  key: Type.Optional(Type.String()),
  ...Item,
  version: Type.Optional(Version),
  updatedAt: Type.Optional(Time),
  expiresAt: Type.Optional(Time),
  reason: Type.Optional(Type.String({ description: 'Of a `delete`: `deleted` or `expired`.' })),
  set: Type.Optional(Type.String()),
  member: Type.Optional(Type.String()),
})
const Changes = Type.Object({
  changes: Type.Array(Change),
  gap: Type.Optional(Type.Boolean({ description: 'Changes were missed: list anew, then go on.' })),
  cursor: Type.String({ description: '`after` of the next request.' }),
})
const list = (name: string, item: TSchema): TSchema => Type.Object({ [name]: Type.Array(item), next: Next })
const LATE = 'On disk here, and not on as many replicas in time as were asked for; it goes on spreading.'

export const DATA_OPERATIONS: Operations = {
  'PUT /api/v1/kv/{map}/{key}': {
    id: 'putValue',
    tag: 'kv',
    summary: 'Write a value',
    description: 'Any bytes, kept with their content type. JSON is checked, then kept as it is.',
    body: { '*/*': undefined },
    headers: ['If-Match', 'If-None-Match'],
    answers: {
      200: json('There was one before.', Written, 'ETag'),
      201: json('There was none before.', Written, 'ETag'),
      202: json(LATE, Written, 'ETag'),
    },
  },
  'GET /api/v1/kv/{map}/{key}': {
    id: 'getValue',
    tag: 'kv',
    summary: 'Read a value',
    description: 'The bytes, with the content type that they were written with. HEAD gives the headers.',
    headers: ['If-None-Match'],
    answers: {
      200: {
        description: 'The value.',
        content: { '*/*': undefined },
        headers: ['ETag', 'Last-Modified'],
      },
      304: empty('It is still the version that was named.', 'ETag'),
    },
  },
  'DELETE /api/v1/kv/{map}/{key}': {
    id: 'deleteValue',
    tag: 'kv',
    summary: 'Delete a value',
    headers: ['If-Match'],
    answers: { 204: empty('There is none, whether there was or not.'), 202: json(LATE, Deleted) },
  },
  'GET /api/v1/kv': {
    id: 'listMaps',
    tag: 'kv',
    summary: 'List the maps',
    answers: { 200: json('Maps by name.', list('maps', Counted), 'Link') },
  },
  'GET /api/v1/kv/{map}': {
    id: 'listValues',
    tag: 'kv',
    summary: 'List the values of a map',
    answers: { 200: json('One page, by key.', list('items', Entry), 'Link') },
  },
  'POST /api/v1/batch': {
    id: 'writeBatch',
    tag: 'kv',
    summary: 'Do several writes as one',
    description: 'On this replica all of them are seen, or none.',
    body: { 'application/json': Type.Object({ ops: Type.Array(Op) }) },
    answers: { 200: json('Done; a result for each.', Results), 202: json(LATE, Results) },
  },
  'PUT /api/v1/sets/{set}/{member}': {
    id: 'addMember',
    tag: 'sets',
    summary: 'Add a member',
    answers: {
      200: json('It was there before.', Added),
      201: json('It was not there before.', Added),
      202: json(LATE, Added),
    },
  },
  'GET /api/v1/sets/{set}/{member}': {
    id: 'hasMember',
    tag: 'sets',
    summary: 'Ask for a member',
    answers: { 200: json('It is there.', Type.Object(SetName)) },
  },
  'DELETE /api/v1/sets/{set}/{member}': {
    id: 'removeMember',
    tag: 'sets',
    summary: 'Remove a member',
    answers: { 204: empty('It is not there, whether it was or not.'), 202: json(LATE, Added) },
  },
  'GET /api/v1/sets': {
    id: 'listSets',
    tag: 'sets',
    summary: 'List the sets',
    answers: { 200: json('Sets by name.', list('sets', Counted), 'Link') },
  },
  'GET /api/v1/sets/{set}': {
    id: 'listMembers',
    tag: 'sets',
    summary: 'List the members of a set',
    answers: { 200: json('Members, sorted.', list('members', Type.String()), 'Link') },
  },
  'GET /api/v1/watch': {
    id: 'watch',
    tag: 'watch',
    summary: 'Follow changes',
    description: 'As server-sent events, or with `wait` as a long poll.',
    headers: ['Last-Event-ID'],
    answers: {
      200: {
        description: 'Changes, one an event; or with `wait` those that were there, or the first that came.',
        content: { 'text/event-stream': undefined, 'application/json': Changes },
      },
    },
  },
}
