/** `?ack=` on every write that takes it: what is planned, what is answered, and that nothing is written in vain. */
import { describe, expect, it } from 'vitest'
import { HearsayError } from '../../src/base/errors.ts'
import type { Ack, Acknowledgements } from '../../src/store/core/acknowledgement.ts'
import { testApp } from '../support/http-app.ts'

interface Asked {
  readonly acks: Acknowledgements
  readonly plans: Ack[]
  readonly timeouts: number[]
}

function concern(reached: boolean): Asked {
  const plans: Ack[] = []
  const timeouts: number[] = []
  return {
    plans,
    timeouts,
    acks: {
      plan: (ack) => {
        plans.push(ack)
        if (ack === 4)
          throw new HearsayError('ACK_UNREACHABLE', 'ack=4 needs 4 of 3 replicas; 3 can be reached')
        return { needed: ack === 'local' || ack === 1 ? 1 : 3, others: ['b', 'c'] }
      },
      confirm: async (_plan, _deltas, timeoutMs) => {
        timeouts.push(timeoutMs)
        return { reached, acked: reached ? ['dev-1', 'c', 'b'] : ['dev-1', 'c'] }
      },
    },
  }
}

const BATCH = JSON.stringify({ ops: [{ op: 'add', set: 's', member: 'm' }] })
const WRITES = [
  { method: 'PUT', url: '/api/v1/kv/m/k', done: 201 },
  { method: 'DELETE', url: '/api/v1/kv/m/k', done: 204 },
  { method: 'PUT', url: '/api/v1/sets/s/m', done: 201 },
  { method: 'DELETE', url: '/api/v1/sets/s/m', done: 204 },
  { method: 'POST', url: '/api/v1/batch', done: 200, payload: BATCH },
] as const

function request(write: (typeof WRITES)[number], query: string) {
  const payload =
    'payload' in write ? { payload: write.payload, headers: { 'content-type': 'application/json' } } : {}
  return { method: write.method, url: `${write.url}?${query}`, ...payload }
}

describe.each(WRITES)('$method $url', (write) => {
  it.each([
    ['ack=3', 3],
    ['ack=majority', 'majority'],
    ['ack=all', 'all'],
  ] as const)('with %s answers when as many have it', async (query, ack) => {
    const { acks, plans, timeouts } = concern(true)
    const answer = await testApp({ acks }).app.inject(request(write, query))
    expect([answer.statusCode, plans, timeouts]).toEqual([write.done, [ack], [2000]])
    if (write.done !== 204) {
      expect(answer.json().acked).toEqual(['dev-1', 'c', 'b'])
      expect(answer.json().needed).toBeUndefined()
    }
  })

  it('answers 202 with who has it when not enough did in time', async () => {
    const { acks, timeouts } = concern(false)
    const answer = await testApp({ acks }).app.inject(request(write, 'ack=all&timeout=500ms'))
    expect([answer.statusCode, timeouts]).toEqual([202, [500]])
    expect(answer.json()).toMatchObject({ acked: ['dev-1', 'c'], needed: 3 })
  })

  it.each(['', 'ack=local', 'ack=1', 'timeout=60s'])('with "%s" asks nobody', async (query) => {
    const { acks, timeouts } = concern(false)
    const answer = await testApp({ acks }).app.inject(request(write, query))
    expect([answer.statusCode, timeouts]).toEqual([write.done, []])
  })

  it.each([
    ['ack=4', 503, 'ACK_UNREACHABLE'],
    ['ack=0', 400, 'HTTP_QUERY_INVALID'],
    ['ack=-1', 400, 'HTTP_QUERY_INVALID'],
    ['ack=10000', 400, 'HTTP_QUERY_INVALID'],
    ['ack=', 400, 'HTTP_QUERY_INVALID'],
    ['ack=most', 400, 'HTTP_QUERY_INVALID'],
    ['ack=all&ack=1', 400, 'HTTP_QUERY_INVALID'],
    ['ack=all&timeout=', 400, 'DURATION_MALFORMED'],
    ['ack=all&timeout=0', 400, 'HTTP_QUERY_INVALID'],
    ['ack=all&timeout=61s', 400, 'HTTP_QUERY_INVALID'],
    ['acks=all', 400, 'HTTP_QUERY_INVALID'],
  ])('with %s is %i and writes nothing', async (query, status, code) => {
    const { acks, timeouts } = concern(true)
    const { app, kv } = testApp({ acks })
    await kv.put('m', 'there', { contentType: 'a/b', bytes: new Uint8Array() })
    const answer = await app.inject(request(write, query))
    expect([answer.statusCode, answer.json().code, timeouts]).toEqual([status, code, []])
    expect((await app.inject('/api/v1/kv')).json()).toEqual({ maps: [{ name: 'm', count: 1 }] })
    expect((await app.inject('/api/v1/sets')).json()).toEqual({ sets: [] })
  })
})
