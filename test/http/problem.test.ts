import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { HttpError, PROBLEM_TABLE, problemOf } from '../../src/http/problem.ts'
import { testApp } from '../support/http-app.ts'

type Inject = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly payload?: object
}

async function problemAt(request: Inject): Promise<Record<string, unknown>> {
  const { app } = testApp({
    membership: { leave: async () => undefined, join: async () => ({ reached: [], failed: [] }) },
  })
  const answer = await app.inject(request)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(answer.json().status).toBe(answer.statusCode)
  return answer.json()
}

describe('a problem says where the fault is', () => {
  it.each([
    ['/api/v1/kv/m?limit=0', 'HTTP_QUERY_INVALID', { parameter: 'limit', detail: 'limit must be 1 to 1000' }],
    ['/api/v1/kv/m?limt=5', 'HTTP_QUERY_INVALID', { parameter: 'limt', detail: 'is not expected' }],
    ['/api/v1/snapshot?x=1', 'HTTP_QUERY_INVALID', { parameter: 'x', detail: 'is not expected' }],
  ])('in the query: %s', async (url, code, fault) => {
    expect(await problemAt({ url })).toMatchObject({ status: 400, code, errors: [fault] })
  })

  it.each([
    [{ peers: [] }, '#/peers'],
    [{ peers: ['a:1', 5] }, '#/peers/1'],
    [{ 'a/b~c': 1 }, '#/a~1b~0c'],
  ])('in a body with a schema: %j', async (payload, pointer) => {
    const problem = await problemAt({ method: 'POST', url: '/api/v1/cluster/join', payload })
    expect(problem).toMatchObject({ code: 'HTTP_BODY_INVALID', errors: [{ pointer }] })
  })

  it.each([
    [{ op: 'put', map: 'm', key: 'k', value: 1, ttl: 'soon' }, '#/ops/1/ttl', 'ops[1]: ttl: not a duration'],
    [{ op: 'put', map: 'm', key: 'k', value: 1, ttl: '0' }, '#/ops/1/ttl', 'ops[1]: ttl must be'],
    [{ op: 'put', map: 'm', key: 5, value: 1 }, '#/ops/1/key', 'ops[1]: key must be text'],
    [{ op: 'drop' }, '#/ops/1/op', 'ops[1]: op must be'],
    [{ op: 'delete', map: 'm', key: 'k', 'if/match': 1 }, '#/ops/1/if~1match', 'ops[1]: a delete takes no'],
    [7, '#/ops/1', 'ops[1]: not an object'],
  ])('in an operation of a batch: %j', async (op, pointer, detail) => {
    const payload = { ops: [{ op: 'add', set: 's', member: 'a' }, op] }
    const problem = await problemAt({ method: 'POST', url: '/api/v1/batch', payload })
    expect(problem).toMatchObject({
      code: 'HTTP_BODY_INVALID',
      detail: expect.stringContaining(detail),
      errors: [{ pointer }],
    })
  })

  it('of a hundred faults some are told', async () => {
    const payload = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x${n}`, n]))
    const { errors } = await problemAt({ method: 'POST', url: '/api/v1/cluster/leave', payload })
    expect((errors as unknown[]).length).toBeGreaterThan(1)
    expect((errors as unknown[]).length).toBeLessThanOrEqual(10)
  })
})

describe('a fault of ours', () => {
  it('is found in the log by the instance of the answer, which says nothing else of it', async () => {
    const { app, logged } = testApp({
      status: () => {
        throw new Error('a secret of the program')
      },
    })
    const answer = await app.inject('/api/v1/status')
    expect(answer.json()).toMatchObject({ status: 500, code: 'INTERNAL_ERROR' })
    expect(answer.payload).not.toContain('secret')
    const { instance } = answer.json()
    expect(instance).toMatch(/^urn:uuid:[0-9a-f-]{36}$/)
    expect(logged.map((line) => line.instance)).toEqual([instance])
    expect((await app.inject('/api/v1/status')).json().instance).not.toBe(instance)
  })

  it('is every code that the table does not know', () => {
    expect(problemOf(new HttpError('NO_SUCH_CODE', 'x'), 1)).toMatchObject({
      status: 500,
      code: 'INTERNAL_ERROR',
    })
  })
})

describe('the table of problems', () => {
  it('and the reference name the same codes with the same status', () => {
    const text = readFileSync('docs/reference/errors.md', 'utf8')
    const section = text.slice(text.indexOf('## Over HTTP'), text.indexOf('## At start'))
    const documented = [...section.matchAll(/^\| `([A-Z_0-9]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ])
    const known = [...PROBLEM_TABLE].map(([code, { status }]) => [code, status])
    const byCode = (a: unknown[], b: unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1)
    expect(documented.sort(byCode)).toEqual(known.sort(byCode))
  })
})
