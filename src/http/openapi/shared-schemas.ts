/** Schemas, headers and parameters that several operations name. */
import { type TInteger, type TOptional, type TSchema, type TString, Type } from 'typebox'

export const Time: TString = Type.String({ format: 'date-time' })
export const Acked: TSchema = Type.Array(Type.String(), {
  description: 'Names of the replicas that have it on disk, the one that answers first.',
})
export const Needed: TOptional<TInteger> = Type.Optional(
  Type.Integer({ description: 'Of 202: how many replicas were to have it.' }),
)
export const Version: TString = Type.String({
  description: 'The stamp of the write, the same on all replicas; `ETag` quotes it.',
})

/** The body of every error of `/api/v1`. */
export const Problem: TSchema = Type.Object(
  {
    type: Type.String({ description: '`urn:hearsay:error:` and the code.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable; docs/reference/errors.md lists them.' }),
    detail: Type.String(),
    instance: Type.Optional(Type.String({ description: 'Of a 500: the line of the log has the same.' })),
    limit: Type.Optional(Type.Number({ description: 'What was exceeded.' })),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.Optional(
            Type.String({ description: 'Where in the body: a JSON pointer as a fragment.' }),
          ),
          parameter: Type.Optional(Type.String({ description: 'Which parameter of the query.' })),
          header: Type.Optional(Type.String({ description: 'Which header.' })),
          detail: Type.String(),
        }),
      ),
    ),
    holder: Type.Optional(Type.String({ description: 'Of a claim: the replica through which it is held.' })),
  },
  { description: 'An error, after RFC 9457.' },
)

/** What a parameter of the query means, where its route does not say. */
export const QUERY_MEANINGS: Readonly<Record<string, string>> = {
  ttl: 'The entry ends after this time: `5m`, `1h30m`. More than 0, at most 876000h.',
  ack: 'Replicas that must have the write on disk before the answer: `local` (default), a number, `majority` or `all`.',
  timeout: 'Longest wait for them, such as `500ms`; default 2s, at most 60s.',
  limit: 'Most items of a page, 1 to 1,000; default 100.',
  after: 'Only what comes after this: the `next` of a page.',
  groupKey: 'Only of this group of alerts.',
  receiver: 'Only of this receiver: `groupName/integration/idx`.',
  failed: '`true`: nothing was sent, so the next in order tries at once.',
}

export const PATH_MEANINGS: Readonly<Record<string, string>> = {
  map: 'Name of a map; any text, percent-encoded, but for `.` and `..`.',
  set: 'Name of a set.',
  member: 'A member, any text.',
  key: 'A key, any text.',
  fingerprint: 'First 8 hex digits of the SHA-256 of the key.',
  id: 'The id.',
}

export const REQUEST_HEADERS: Readonly<Record<string, string>> = {
  'If-Match': 'Write only over this version, quoted, or over any with `*`. Compared on this replica only.',
  'If-None-Match':
    'On a write `*`: only when there is nothing. On a read a version: 304 when it is still the one.',
  'Last-Event-ID': 'The cursor to go on after; goes before `after`.',
}

export const RESPONSE_HEADERS: Readonly<Record<string, string>> = {
  ETag: 'The version, quoted.',
  'Last-Modified': 'When it was written.',
  Link: 'The page that follows, as `rel="next"`.',
}
