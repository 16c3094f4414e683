import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HearsayError } from '../../../src/base/errors.ts'
import { forTerminal } from '../../../src/cli/kv-get.ts'
import { cli } from '../../support/cli-run.ts'
import { type TestApp, testApp } from '../../support/http-app.ts'

let test: TestApp
let url: string[]

/** Of three replicas, the third does not answer in time; a fourth is not there. */
const acks: TestAcks = {
  plan: (ack) => {
    if (ack === 4) throw new HearsayError('ACK_UNREACHABLE', 'there are three replicas')
    return { needed: ack === 'local' ? 1 : ack === 'all' ? 3 : 2, others: [] }
  },
  confirm: async ({ needed }) => ({ reached: needed < 3, acked: ['dev-1', 'dev-2'] }),
}
type TestAcks = NonNullable<NonNullable<Parameters<typeof testApp>[0]>['acks']>

beforeEach(async () => {
  test = testApp({ acks })
  url = ['--url', await test.app.listen({ host: '127.0.0.1', port: 0 })]
})
afterEach(() => test.app.close())

async function put(...args: readonly string[]): Promise<void> {
  expect(await cli('kv', 'put', ...args, ...url)).toMatchObject({ code: 0, err: '' })
}

describe('kv put and get', () => {
  it('a value comes back as it was, with its type guessed', async () => {
    await put('m', 'json', '{"cpu":0.9}')
    await put('m', 'text', 'a\tb')
    expect(await cli('kv', 'get', 'm', 'json', ...url)).toEqual({ code: 0, out: '{"cpu":0.9}', err: '' })
    expect((await cli('kv', 'get', 'm', 'text', ...url)).out).toBe('a\tb')
    const { out } = await cli('kv', 'get', 'm', 'json', '-o', 'json', ...url)
    expect(JSON.parse(out)).toMatchObject({
      map: 'm',
      key: 'json',
      value: { cpu: 0.9 },
      contentType: 'application/json',
      version: expect.stringMatching(/^0\./),
    })
  })

  it('as JSON a value is what a list says of it, and one that is not there is not found', async () => {
    await put('g', 'k', '1', '--ttl', '1h')
    await put('g', 'k2', 'a\tb')
    const { out: listed } = await cli('kv', 'list', 'g', '-o', 'json', ...url)
    for (const item of (JSON.parse(listed) as { items: { key: string }[] }).items) {
      const { out } = await cli('kv', 'get', 'g', item.key, '-o', 'json', ...url)
      expect(JSON.parse(out)).toEqual({ map: 'g', ...item })
    }
    expect(JSON.parse(listed)).toMatchObject({ items: [{ expiresAt: expect.any(String) }, {}] })
    expect(await cli('kv', 'get', 'g', 'k1', '-o', 'json', ...url)).toEqual({
      code: 3,
      out: '',
      err: 'hearsay: "g" holds no "k1" (KEY_NOT_FOUND)\n',
    })
    expect(await cli('kv', 'get', 'g', '', '-o', 'json', ...url)).toMatchObject({ code: 3, out: '' })
  })

  it.each([
    ['--ttl', '1'],
    ['--ack', 'xx'],
    ['--timeout', 'soon'],
  ])('%s %s is wrong usage', async (...flags) => {
    expect(await cli('kv', 'put', 'm', 'never', '1', ...flags, ...url)).toMatchObject({ code: 2, out: '' })
  })

  it('put prints the version, which a condition takes', async () => {
    const { out } = await cli('kv', 'put', 'm', 'k', '1', ...url)
    const condition = ['--if-match', out.trim()]
    expect(await cli('kv', 'put', 'm', 'k', '2', ...condition, ...url)).toMatchObject({ code: 0 })
    expect(await cli('kv', 'put', 'm', 'k', '3', ...condition, ...url)).toMatchObject({ code: 4, out: '' })
    expect(await cli('kv', 'delete', 'm', 'k', ...condition, ...url)).toMatchObject({ code: 4 })
    expect(await cli('kv', 'put', 'm', 'k', '3', '--if-absent', ...url)).toMatchObject({ code: 4 })
    expect(await cli('kv', 'delete', 'm', 'k', ...url)).toEqual({ code: 0, out: '', err: '' })
    expect(await cli('kv', 'get', 'm', 'k', ...url)).toMatchObject({ code: 3, out: '' })
  })

  it('as JSON put prints what the replica answered', async () => {
    const { out } = await cli('kv', 'put', 'm', 'k', '1', '-o', 'json', '--ttl', '5m', ...url)
    expect(JSON.parse(out)).toMatchObject({
      map: 'm',
      key: 'k',
      acked: ['dev-1'],
      expiresAt: expect.any(String),
    })
  })
})

describe('writes that more than one replica must have', () => {
  const told = 'hearsay: written, but only 2 of 3 replicas have confirmed it in time: dev-1, dev-2\n'

  it('end well once they have them', async () => {
    await put('m', 'k', '1', '--ack', 'majority', '--timeout', '1s')
    expect(await cli('set', 'add', 's', 'x', '--ack', '2', ...url)).toEqual({ code: 0, out: '', err: '' })
  })

  it('fail when they have them not in time, and say who has', async () => {
    expect(await cli('kv', 'put', 'm', 'k', '1', '--ack', 'all', ...url)).toEqual({
      code: 1,
      out: expect.stringMatching(/^0\.\S+\n$/),
      err: told,
    })
    for (const args of [
      ['kv', 'delete', 'm', 'k'],
      ['set', 'add', 's', 'x'],
      ['set', 'remove', 's', 'x'],
    ])
      expect(await cli(...args, '--ack', 'all', ...url)).toEqual({ code: 1, out: '', err: told })
  })

  it('are refused before anything is written when they cannot have them', async () => {
    expect(await cli('kv', 'put', 'm', 'k', '1', '--ack', '4', ...url)).toMatchObject({ code: 1, out: '' })
    expect(test.kv.get('m', 'k')).toBeUndefined()
    expect(await cli('kv', 'put', 'm', 'k', '1', '--timeout', 'soon', ...url)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--timeout: not a duration'),
    })
  })
})

describe('kv list', () => {
  it('goes through all pages, in each format', async () => {
    const keys = Array.from({ length: 1203 }, (_, i) => `k${String(i).padStart(4, '0')}`)
    for (const key of keys)
      await test.kv.put('m', key, { contentType: 'text/plain', bytes: new Uint8Array([97]) })
    const list = (...args: readonly string[]) => cli('kv', 'list', 'm', ...args, ...url)
    expect((await list('-q')).out.trimEnd().split('\n')).toEqual(keys)
    const rows = (await list()).out.trimEnd().split('\n')
    expect([rows[0], rows.length]).toEqual(['KEY    TYPE        UPDATED                   EXPIRES', 1204])
    expect(rows.slice(1).map((row) => row.split(' ')[0])).toEqual(keys)
    const lines = (await list('-o', 'ndjson')).out.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).key)).toEqual(keys)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ valueBase64: 'YQ==' })
    expect(JSON.parse((await list('-o', 'json', '--prefix', 'k12')).out).items).toHaveLength(3)
  })

  it('lists the maps without one', async () => {
    await put('b', 'k', '1')
    await put('a', 'k', '1')
    const { out } = await cli('kv', 'list', '-o', 'json', ...url)
    expect(JSON.parse(out).maps).toHaveLength(2)
    expect((await cli('kv', 'list', ...url)).out).toMatch(/^MAP {2}ENTRIES\n/)
  })

  it('control characters of keys do not reach the terminal', async () => {
    await put('m', 'a\u001b[31m', '1')
    for (const args of [['-q'], []])
      expect((await cli('kv', 'list', 'm', ...args, ...url)).out).toContain('a\\u001b[31m')
  })
})

describe('set members', () => {
  it('prints members, or the sets', async () => {
    for (const member of ['b', 'a\nc']) await cli('set', 'add', 's', member, ...url)
    const members = (...args: readonly string[]) => cli('set', 'members', ...args, ...url)
    expect((await members('s')).out).toBe('a\\nc\nb\n')
    expect((await members('s', '-o', 'ndjson')).out).toBe('"a\\nc"\n"b"\n')
    expect((await members('s', '-o', 'json')).out).toBe('{"members":["a\\nc","b"]}\n')
    expect((await members()).out).toBe('SET  ENTRIES\ns    2\n')
  })
})

describe('a value on a terminal', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

  it('ends with a line break and moves no cursor', () => {
    expect(forTerminal(bytes('a\tb\nc\u001b[2J'), 'text/plain')).toBe('a\tb\nc\\u001b[2J\n')
    expect(forTerminal(bytes('a\n'), 'text/plain')).toBe('a\n')
  })

  it('is not shown when it is no text', () => {
    expect(() => forTerminal(new Uint8Array([0xff, 0]), 'image/x')).toThrow('2 bytes of image/x, not shown')
  })
})
