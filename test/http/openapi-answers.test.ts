/** A running replica is asked every operation, and what it answers is held against what the OpenAPI document promises. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { expect, it, onTestFinished } from 'vitest'
import { defaultOptions } from '../../src/app/options/options.ts'
import type { ServeOptions } from '../../src/app/options/serve-options.ts'
import { type RunningReplica, startReplica } from '../../src/app/start-replica.ts'
import { OPERATIONS } from '../../src/http/openapi/document.ts'
import { Problem } from '../../src/http/openapi/shared-schemas.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const PROBLEM_TYPE = 'application/problem+json'
const FIRST_KEY = Buffer.alloc(32, 1).toString('base64')
const SECOND_KEY = Buffer.alloc(32, 2).toString('base64')
const HOUR_MS = 3_600_000

interface Asked {
  /** As the table of operations has it. */
  readonly operation: string
  readonly path: string
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

async function replica(keyFile: string, peers: readonly string[]): Promise<RunningReplica> {
  const changes: Partial<ServeOptions> = {
    'storage.path': tempDir(),
    'web.listen-address': '127.0.0.1:0',
    'cluster.listen-address': '127.0.0.1:0',
    'cluster.peer': [...peers],
    'cluster.key-file': keyFile,
    'log.level': 'error',
  }
  const running = await startReplica(defaultOptions(changes))
  onTestFinished(async () => void (await running.close()))
  return running
}

/** A schema that takes nothing but what it names: an answer may not say more than the document. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]))
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner
}

function faultsOf(schema: TSchema, value: unknown): unknown {
  const checker = Compile(closed(JSON.parse(JSON.stringify(schema))) as TSchema)
  return checker.Check(value) ? [] : checker.Errors(value)
}

async function ask(url: string, { operation, path, status, body, headers = {} }: Asked): Promise<unknown> {
  const [method = ''] = operation.split(' ')
  const isText = typeof body === 'string'
  const sent =
    body === undefined
      ? { headers }
      : {
          headers: { ...(isText ? {} : { 'content-type': 'application/json' }), ...headers },
          body: isText ? body : JSON.stringify(body),
        }
  const response = await fetch(url + path, { method, ...sent })
  const type = response.headers.get('content-type')?.split(';')[0]
  if (type === 'text/event-stream') {
    await response.body?.cancel()
    return expectAnswer(operation, { status: response.status, type, value: '' })
  }
  const text = await response.text()
  const isJson = type === 'application/json' || type === PROBLEM_TYPE
  const value: unknown = isJson && text !== '' ? JSON.parse(text) : text
  expect([operation, path, response.status, value]).toEqual([operation, path, status, value])
  expectAnswer(operation, { status, type, value })
  return value
}

function expectAnswer(
  operation: string,
  {
    status,
    type,
    value,
  }: { readonly status: number; readonly type: string | undefined; readonly value: unknown },
): void {
  const answer = OPERATIONS[operation]?.answers[status]
  if (answer === undefined) {
    // What is not told of is an error, and its form that of all errors.
    expect([operation, type, status >= 400]).toEqual([operation, PROBLEM_TYPE, true])
    expect([operation, faultsOf(Problem, value)]).toEqual([operation, []])
    return
  }
  if (answer.content === undefined) {
    expect([operation, status, value]).toEqual([operation, status, ''])
    return
  }
  const [told] = Object.keys(answer.content).filter((name) => name === type || name === '*/*')
  expect([operation, status, type, told]).toEqual([operation, status, type, expect.any(String)])
  const schema = answer.content[told ?? '']
  if (schema !== undefined)
    expect([operation, status, faultsOf(schema, value)]).toEqual([operation, status, []])
}

const V1 = '/api/v1'
const WORK = { groupKey: '{}:{alertname="DiskFull"}', receiver: { groupName: 'ops', integration: 'webhook' } }
const JUDGED = { ...WORK, alerts: [{ labels: { alertname: 'DiskFull' } }], repeatInterval: '4h' }
const SILENCE = {
  matchers: [{ name: 'alertname', value: 'DiskFull', isRegex: false, isEqual: true }],
  startsAt: new Date().toISOString(),
  endsAt: new Date(Date.now() + HOUR_MS).toISOString(),
  createdBy: 'ana',
  comment: 'swap',
}

/** In this order; each operation that there is once at least. */
const DATA: readonly Asked[] = [
  {
    operation: 'PUT /api/v1/kv/{map}/{key}',
    path: `${V1}/kv/m/k?ttl=1h&ack=all`,
    status: 201,
    body: { cpu: 0.9 },
  },
  { operation: 'PUT /api/v1/kv/{map}/{key}', path: `${V1}/kv/m/k`, status: 200, body: { cpu: 1 } },
  { operation: 'PUT /api/v1/kv/{map}/{key}', path: `${V1}/kv/m/b?ttl=1h`, status: 201, body: 'bytes' },
  {
    operation: 'PUT /api/v1/kv/{map}/{key}',
    path: `${V1}/kv/m/k`,
    status: 412,
    body: 1,
    headers: { 'if-none-match': '*' },
  },
  { operation: 'PUT /api/v1/kv/{map}/{key}', path: `${V1}/kv/m/${'k'.repeat(2000)}`, status: 400, body: 1 },
  { operation: 'GET /api/v1/kv/{map}/{key}', path: `${V1}/kv/m/k`, status: 200 },
  { operation: 'GET /api/v1/kv/{map}/{key}', path: `${V1}/kv/m/none`, status: 404 },
  {
    operation: 'GET /api/v1/kv/{map}/{key}',
    path: `${V1}/kv/m/k`,
    status: 304,
    headers: { 'if-none-match': '*' },
  },
  { operation: 'GET /api/v1/kv', path: `${V1}/kv`, status: 200 },
  { operation: 'GET /api/v1/kv/{map}', path: `${V1}/kv/m`, status: 200 },
  { operation: 'GET /api/v1/kv/{map}', path: `${V1}/kv/m?limit=1`, status: 200 },
  { operation: 'GET /api/v1/kv/{map}', path: `${V1}/kv/m?limt=1`, status: 400 },
  { operation: 'PUT /api/v1/sets/{set}/{member}', path: `${V1}/sets/s/a`, status: 201 },
  { operation: 'PUT /api/v1/sets/{set}/{member}', path: `${V1}/sets/s/a`, status: 200 },
  { operation: 'GET /api/v1/sets/{set}/{member}', path: `${V1}/sets/s/a`, status: 200 },
  { operation: 'GET /api/v1/sets', path: `${V1}/sets?limit=1`, status: 200 },
  { operation: 'GET /api/v1/sets/{set}', path: `${V1}/sets/s`, status: 200 },
  { operation: 'DELETE /api/v1/sets/{set}/{member}', path: `${V1}/sets/s/a`, status: 204 },
  {
    operation: 'POST /api/v1/batch',
    path: `${V1}/batch`,
    status: 200,
    body: {
      ops: [
        { op: 'put', map: 'm', key: 'x', value: 1, ttl: '1h' },
        { op: 'put', map: 'm', key: 'y', valueBase64: 'AAE=' },
        { op: 'delete', map: 'm', key: 'x' },
        { op: 'add', set: 's', member: 'b' },
        { op: 'remove', set: 's', member: 'c' },
      ],
    },
  },
  { operation: 'DELETE /api/v1/kv/{map}/{key}', path: `${V1}/kv/m/y`, status: 204 },
  { operation: 'GET /api/v1/watch', path: `${V1}/watch?map=m`, status: 200 },
  { operation: 'GET /api/v1/watch', path: `${V1}/watch?map=m&wait=1ms`, status: 200 },
]

const ALERTING: readonly Asked[] = [
  {
    operation: 'POST /api/v1/silences/match',
    path: `${V1}/silences/match`,
    status: 200,
    body: { labels: {} },
  },
  {
    operation: 'POST /api/v1/silences/match',
    path: `${V1}/silences/match`,
    status: 200,
    body: { alerts: [{ labels: { alertname: 'DiskFull' } }] },
  },
  {
    operation: 'POST /api/v1/notifications/decide',
    path: `${V1}/notifications/decide`,
    status: 200,
    body: JUDGED,
  },
  {
    operation: 'POST /api/v1/notifications',
    path: `${V1}/notifications`,
    status: 200,
    body: {
      ...WORK,
      firing: ['1'],
      repeatInterval: '4h',
      receiverData: { text: 'a', number: 1, whole: { int64: '5' } },
    },
  },
  {
    operation: 'POST /api/v1/notifications/decide',
    path: `${V1}/notifications/decide`,
    status: 200,
    body: { ...WORK, firing: ['1'], repeatInterval: '4h' },
  },
  { operation: 'GET /api/v1/notifications', path: `${V1}/notifications`, status: 200 },
  {
    operation: 'POST /api/v1/claims',
    path: `${V1}/claims`,
    status: 200,
    body: { ...WORK, firing: ['1'], repeatInterval: '4h' },
  },
  { operation: 'DELETE /api/v1/claims/{id}', path: `${V1}/claims/none`, status: 404 },
  { operation: 'POST /api/v2/silences', path: '/api/v2/silences', status: 200, body: SILENCE },
  { operation: 'GET /api/v2/silences', path: '/api/v2/silences', status: 200 },
  {
    operation: 'POST /api/v2/alerts',
    path: '/api/v2/alerts',
    status: 200,
    body: [{ labels: { alertname: 'DiskFull' } }],
  },
  { operation: 'GET /api/v2/alerts', path: '/api/v2/alerts', status: 200 },
  { operation: 'GET /api/v2/receivers', path: '/api/v2/receivers', status: 200 },
  { operation: 'GET /api/v2/status', path: '/api/v2/status', status: 200 },
]

const REPLICA: readonly Asked[] = [
  { operation: 'GET /api/v1/cluster', path: `${V1}/cluster`, status: 200 },
  { operation: 'GET /api/v1/owner/{key}', path: `${V1}/owner/work`, status: 200 },
  { operation: 'GET /api/v1/cluster/keys', path: `${V1}/cluster/keys`, status: 200 },
  {
    operation: 'POST /api/v1/cluster/keys',
    path: `${V1}/cluster/keys`,
    status: 201,
    body: { key: SECOND_KEY },
  },
  {
    operation: 'POST /api/v1/cluster/keys',
    path: `${V1}/cluster/keys`,
    status: 200,
    body: { key: SECOND_KEY },
  },
  { operation: 'GET /api/v1/status', path: `${V1}/status`, status: 200 },
  { operation: 'GET /api/v1/snapshot', path: `${V1}/snapshot`, status: 200 },
  { operation: 'GET /api/v1/openapi.json', path: `${V1}/openapi.json`, status: 200 },
  { operation: 'GET /', path: '/', status: 200 },
  { operation: 'GET /-/healthy', path: '/-/healthy', status: 200 },
  { operation: 'GET /-/ready', path: '/-/ready', status: 200 },
  { operation: 'POST /-/reload', path: '/-/reload', status: 200 },
  { operation: 'GET /metrics', path: '/metrics', status: 200 },
  { operation: 'POST /api/v1/cluster/leave', path: `${V1}/cluster/leave`, status: 200 },
  { operation: 'GET /api/v1/cluster', path: `${V1}/cluster`, status: 200 },
  { operation: 'GET /-/ready', path: '/-/ready', status: 503 },
  { operation: 'GET /api/v1/status', path: `${V1}/status`, status: 200 },
  {
    operation: 'PUT /api/v1/kv/{map}/{key}',
    path: `${V1}/kv/m/k?ack=all`,
    status: 503,
    body: 1,
  },
  { operation: 'POST /api/v1/cluster/join', path: `${V1}/cluster/join`, status: 200 },
]

it('every operation of a running replica answers as the document says, and says no more', async () => {
  const keyFile = join(tempDir(), 'gossip.key')
  writeFileSync(keyFile, `${FIRST_KEY}\n`, { mode: 0o600 })
  const first = await replica(keyFile, [])
  const { url } = await replica(keyFile, [first.gossipAddress ?? ''])
  await untilAsync(async () => (await fetch(`${url}/-/ready`)).ok, 'ready')
  const asked = [...DATA, ...ALERTING, ...REPLICA]
  for (const one of asked) await ask(url, one)

  const keys = (await ask(url, {
    operation: 'GET /api/v1/cluster/keys',
    path: `${V1}/cluster/keys`,
    status: 200,
  })) as { readonly keys: readonly { readonly fingerprint: string }[] }
  const [old, added] = keys.keys.map(({ fingerprint }) => fingerprint)
  const rotation: readonly Asked[] = [
    {
      operation: 'PUT /api/v1/cluster/keys/primary',
      path: `${V1}/cluster/keys/primary`,
      status: 200,
      body: { fingerprint: added },
    },
    {
      operation: 'DELETE /api/v1/cluster/keys/{fingerprint}',
      path: `${V1}/cluster/keys/${old}`,
      status: 200,
    },
  ]
  const claim = (await ask(url, {
    operation: 'POST /api/v1/claims',
    path: `${V1}/claims`,
    status: 201,
    body: { ...JUDGED, groupKey: 'another' },
  })) as { readonly id: string }
  const [silence] = (await (await fetch(`${url}/api/v2/silences`)).json()) as [{ readonly id: string }]
  const byId: readonly Asked[] = [
    { operation: 'POST /api/v1/claims', path: `${V1}/claims`, status: 200, body: { id: claim.id } },
    { operation: 'DELETE /api/v1/claims/{id}', path: `${V1}/claims/${claim.id}`, status: 204 },
    { operation: 'GET /api/v2/silence/{id}', path: `/api/v2/silence/${silence.id}`, status: 200 },
    { operation: 'DELETE /api/v2/silence/{id}', path: `/api/v2/silence/${silence.id}`, status: 200 },
  ]
  for (const one of [...byId, ...rotation]) await ask(url, one)
  const all = new Set([...asked, ...byId, ...rotation].map(({ operation }) => operation))
  expect([...all].toSorted()).toEqual(Object.keys(OPERATIONS).toSorted())
})
