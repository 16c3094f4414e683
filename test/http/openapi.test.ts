import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { OPERATIONS, operationKey } from '../../src/http/openapi/document.ts'
import { everyRoute, fullApp } from '../support/http-routes.ts'

interface ShownOperation {
  readonly operationId?: string
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly description?: string
  }[]
  readonly responses: Readonly<Record<string, unknown>>
}

interface Document {
  readonly openapi: string
  readonly servers: unknown
  readonly paths: Readonly<Record<string, Readonly<Record<string, ShownOperation>>>>
}

async function document(routePrefix = '/'): Promise<Document> {
  const { app } = fullApp({}, { routePrefix })
  const answer = await app.inject(`${routePrefix.replace(/\/$/, '')}/api/v1/openapi.json`)
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([
    200,
    'application/json; charset=utf-8',
  ])
  return answer.json()
}

function operationsOf({ paths }: Document): readonly (readonly [key: string, operation: ShownOperation])[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  )
}

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1 as its schema has it', async () => {
    const shown = await document()
    const { valid, errors } = await new Validator().validate({ ...shown })
    expect([valid, errors]).toEqual([true, undefined])
    expect(shown.openapi).toBe('3.1.0')
  })

  it('is the committed one; node scripts/docs.mjs writes it', async () => {
    const committed: unknown = JSON.parse(readFileSync('docs/reference/openapi.json', 'utf8'))
    expect(await document()).toEqual(committed)
  })

  it('tells of every route, and of nothing else', async () => {
    const shown = await document()
    const told = operationsOf(shown).map(([key]) => key)
    const routes = (await everyRoute(fullApp()))
      .filter(({ method, pattern }) => method !== 'HEAD' && !/^\/api\/.*\/$/.test(pattern))
      .map(({ method, pattern }) => operationKey(method, pattern))
    expect(told.toSorted()).toEqual(routes.toSorted())
    expect(Object.keys(OPERATIONS).toSorted()).toEqual(routes.toSorted())
  })

  it('gives each operation an id of its own, a summary, a tag, a success and an error', async () => {
    const shown = await document()
    const ids = new Set<string>()
    for (const [key, operation] of operationsOf(shown)) {
      expect([key, operation.summary]).toEqual([key, expect.stringMatching(/^[A-Z].*[^.]$/)])
      expect([key, operation.tags]).toEqual([key, [expect.any(String)]])
      expect([key, Object.keys(operation.responses)]).toEqual([
        key,
        expect.arrayContaining([expect.stringMatching(/^2\d\d$/), 'default']),
      ])
      ids.add(operation.operationId ?? '')
    }
    expect(ids.size).toBe(operationsOf(shown).length)
  })

  it('says of every parameter what it means', async () => {
    for (const [key, { parameters = [] }] of operationsOf(await document())) {
      for (const { name, description } of parameters) {
        expect([key, name, description]).toEqual([key, name, expect.stringMatching(/ .*\S/)])
      }
    }
  })

  it('names a path parameter for each that the path has', async () => {
    for (const [key, { parameters = [] }] of operationsOf(await document())) {
      const inPath = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      expect([key, inPath]).toEqual([key, [...key.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)])
    }
  })

  it('has the same paths under a route prefix, which it names as the server', async () => {
    const [plain, prefixed] = [await document(), await document('/alerts')]
    expect(prefixed.servers).toEqual([{ url: '/alerts' }])
    expect(prefixed.paths).toEqual(plain.paths)
  })
})

describe('docs/reference/http.md', () => {
  const text = readFileSync('docs/reference/http.md', 'utf8')

  it('names every path of the document', async () => {
    const { paths } = await document()
    const missing = Object.keys(paths).filter((path) => !path.startsWith('/api/v2') && !namesPath(path))
    expect(missing).toEqual([])
  })

  it('names no path that is not there', async () => {
    const { paths } = await document()
    const known = new Set(Object.keys(paths))
    const named = [...text.matchAll(/`(?:[A-Z]+(?:`, `[A-Z]+)* )?(\/(?:api\/v1|-)\/[^`?\s]*)`/g)].map(
      ([, path = '']) => path,
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((path) => !known.has(path))).toEqual([])
  })

  /** Sections on one subject leave `/api/v1` out. */
  function namesPath(path: string): boolean {
    const short = path.replace('/api/v1', '')
    return [path, short].some((name) => text.includes(`${name}\``) || text.includes(`${name}?`))
  }
})
