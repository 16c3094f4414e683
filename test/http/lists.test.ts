import type { FastifyInstance, LightMyRequestResponse as Response } from 'fastify'
import { describe, expect, it } from 'vitest'
import { NAMES_MAX, namesPage } from '../../src/http/names-page.ts'
import { firstNames } from '../../src/store/core/first-names.ts'
import { testApp } from '../support/http-app.ts'

/** Follows `Link` from page to page, as a client does that knows nothing else. */
async function pages(app: FastifyInstance, first: string): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = []
  let url: string | undefined = first
  while (url !== undefined) {
    const answer: Response = await app.inject(url)
    expect(answer.statusCode).toBe(200)
    all.push(answer.json())
    url = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link))?.[1]
    expect('next' in answer.json()).toBe(url !== undefined)
  }
  return all
}

const add = (app: FastifyInstance, set: string, member: string) =>
  app.inject({
    method: 'PUT',
    url: `/api/v1/sets/${encodeURIComponent(set)}/${encodeURIComponent(member)}`,
  })

describe('pages of sets', () => {
  it('without limit all members are given, as one sorted list', async () => {
    const { app } = testApp()
    for (const member of ['c', 'a', 'b']) await add(app, 's', member)
    expect((await app.inject('/api/v1/sets/s')).json()).toEqual({ members: ['a', 'b', 'c'] })
  })

  it('with limit the pages together are all members, each once and in order', async () => {
    const { app } = testApp()
    const members = ['b/1', 'b 2', 'b&3=4', 'b🦊', 'bé', 'a', 'c']
    for (const member of members) await add(app, 'a/set', member)
    const all = await pages(app, '/api/v1/sets/a%2Fset?limit=2&prefix=b')
    expect(all.map(({ members: page }) => (page as string[]).length)).toEqual([2, 2, 1])
    expect(all.flatMap(({ members: page }) => page)).toEqual(
      members.filter((member) => member.startsWith('b')).sort((a, b) => (a < b ? -1 : 1)),
    )
  })

  it('after goes on behind a member that is not there any more', async () => {
    const { app } = testApp()
    for (const member of ['a', 'b', 'd']) await add(app, 's', member)
    expect((await app.inject('/api/v1/sets/s?after=c')).json()).toEqual({ members: ['d'] })
  })

  it.each([
    '/api/v1/sets/s?limit=0',
    '/api/v1/sets/s?limit=1001',
    '/api/v1/sets/s?limit=x',
    '/api/v1/sets?limit=0',
    '/api/v1/kv?limit=1001',
    '/api/v1/sets/s?lmit=1',
    '/api/v1/kv?prefix=a',
  ])('%s is 400', async (url) => {
    const answer = await testApp().app.inject(url)
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'HTTP_QUERY_INVALID'])
  })
})

describe('pages of names', () => {
  it('maps and sets are listed page by page, under the route prefix', async () => {
    const { app, kv } = testApp({}, { routePrefix: '/store' })
    for (const name of ['m 1', 'm/2', 'm3']) {
      await kv.put(name, 'k', { contentType: 'text/plain', bytes: new Uint8Array(1) })
      await app.inject({ method: 'PUT', url: `/store/api/v1/sets/${encodeURIComponent(name)}/x` })
    }
    const maps = await pages(app, '/store/api/v1/kv?limit=2')
    expect(maps.flatMap(({ maps: page }) => page)).toEqual(
      ['m 1', 'm/2', 'm3'].map((name) => ({ name, count: 1 })),
    )
    const sets = await pages(app, '/store/api/v1/sets?limit=1')
    expect(sets.length).toBe(3)
    expect(sets.flatMap(({ sets: page }) => page)).toEqual(maps.flatMap(({ maps: page }) => page))
  })

  it('without limit there are at most 10,000, and more are told of', () => {
    const all = Array.from({ length: NAMES_MAX + 1 }, (_, i) => ({
      name: String(i).padStart(6, '0'),
      count: 1,
    }))
    const { items, next } = namesPage(all, {})
    expect([items.length, next]).toEqual([NAMES_MAX, items.at(-1)?.name])
    expect(namesPage(all, { after: String(next) })).toEqual({ items: all.slice(-1), next: undefined })
    expect(namesPage(all, { after: '999999' })).toEqual({ items: [], next: undefined })
  })
})

describe('a page of entries', () => {
  it('has a link with all that was asked for', async () => {
    const { app, kv } = testApp()
    for (const key of ['p1', 'p2', 'p3']) {
      await kv.put('m', key, { contentType: 'text/plain', bytes: new Uint8Array(1) })
    }
    const { headers } = await app.inject('/api/v1/kv/m?prefix=p&limit=1&values=false')
    expect(headers.link).toBe('</api/v1/kv/m?prefix=p&limit=1&values=false&after=p1>; rel="next"')
  })
})

describe('the first names of many', () => {
  it('are those that sorting all of them would give', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `n${(i * 7919) % 1000}`)
    const sorted = names.toSorted((a, b) => (a < b ? -1 : 1))
    for (const limit of [1, 7, 999, 1000, Number.POSITIVE_INFINITY]) {
      const page = firstNames(names, { limit })
      expect(page.names).toEqual(sorted.slice(0, limit))
      expect(page.next).toBe(limit < 1000 ? sorted[limit - 1] : undefined)
    }
    const after = firstNames(names, { limit: 5, after: 'n5', prefix: 'n5' })
    expect(after.names).toEqual(sorted.filter((name) => name > 'n5' && name.startsWith('n5')).slice(0, 5))
  })
})
