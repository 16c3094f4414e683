/** `hearsay silence` against our `/api/v2`, in memory. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fastify } from 'fastify'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type AddFlags, newSilence } from '../../../src/cli/silence-add.ts'
import { type AlertmanagerApp, alertmanagerApp } from '../../support/alertmanager-app.ts'
import { type CliEnd, cli } from '../../support/cli-run.ts'
import { tempDir } from '../../support/temp-dir.ts'

const ALL = { filters: [], states: new Set(['active', 'pending', 'expired'] as const) }
const UNKNOWN = 'bbbbbbbb-0000-4000-8000-00000000ffff'

let ours: AlertmanagerApp
let url = ''
const silence = (...args: readonly string[]): Promise<CliEnd> => cli('silence', ...args, '--url', url)
const add = async (...args: readonly string[]): Promise<string> => {
  const { code, out, err } = await silence('add', '--comment=swap', ...args)
  expect([code, err]).toEqual([0, ''])
  return out.trim()
}
const ids = async (...args: readonly string[]): Promise<string[]> =>
  (await silence('query', '-q', ...args)).out.split('\n').filter((line) => line !== '')

beforeEach(async () => {
  ours = alertmanagerApp()
  url = await ours.app.listen({ host: '127.0.0.1', port: 0 })
})
afterEach(() => ours.app.close())

describe('silence add', () => {
  it('takes matchers of both grammars, and a bare word for the name of the alert', async () => {
    const id = await add('DiskFull', 'job=~"a.*"', 'e!=x y', 'f!~z', 'ü🙂=v', '-a', 'ana')
    expect(ours.silences.get(id)).toMatchObject({ createdBy: 'ana', comment: 'swap' })
    const { out } = await silence('query')
    expect(out).toContain('alertname="DiskFull" job=~"a.*" e!="x y" f!~"z" ü🙂="v"')
    expect(JSON.parse((await silence('add', 'x', '-c', 'y', '-o', 'json')).out).silenceID).toMatch(
      /^[0-9a-f-]{36}$/,
    )
  })

  const now = Date.UTC(2026, 10, 21, 12)
  const flags: AddFlags = { url: '', output: 'simple', comment: 'x', author: 'ana', duration: '1h' }
  it.each([
    [{}, '12:00:00.000Z', '13:00:00.000Z'],
    [{ duration: '1h30m' }, '12:00:00.000Z', '13:30:00.000Z'],
    [{ start: '2026-11-21T15:00:00+01:00' }, '14:00:00.000Z', '15:00:00.000Z'],
    [{ end: '2026-11-21T12:00:00.5Z' }, '12:00:00.000Z', '12:00:00.500Z'],
  ])('%j is from %s to %s', (given, start, end) => {
    const made = newSilence(['a=b'], { ...flags, ...given }, now)
    expect([made.startsAt, made.endsAt]).toEqual([`2026-11-21T${start}`, `2026-11-21T${end}`])
  })

  it.each([
    [['a=b'], 'a comment is needed'],
    [['a=b', '-c', ' '], 'a comment is needed'],
    [['-c', 'x'], "missing required argument 'matchers'"],
    [['=x', '-c', 'x'], 'bad matcher format: =x'],
    [['a=~(', '-c', 'x'], 'missing closing )'],
    [['a=b', 'c', '-c', 'x'], 'bad matcher format: c'],
    [['a=b', '-c', 'x', '-d', '0s'], '--duration must be more than 0'],
    [['a=b', '-c', 'x', '-d', 'long'], '--duration: not a duration'],
    [['a=b', '-c', 'x', '--end', 'tomorrow'], '--end must be a moment'],
    [
      ['a=b', '-c', 'x', '--start', '2026-02-01T00:00:00Z', '--end', '2026-01-01T00:00:00Z'],
      'end before it starts',
    ],
  ])('%j is wrong usage', async (args, message) => {
    expect(await silence('add', ...args)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(message),
    })
    expect(ours.silences.query(ALL)).toEqual([])
  })

  it('what the replica refuses fails in its words', async () => {
    expect(await silence('add', 'a=~.*', '-c', 'x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('at least one matcher must not match the empty string'),
    })
  })
})

describe('silence query', () => {
  it('filters by matcher, author, end and state', async () => {
    const [short, long] = [await add('a=b', '-a', 'ana', '-d', '10m'), await add('a=b', 'c=d', '-d', '5h')]
    expect(await ids()).toEqual([short, long])
    expect(await ids('c=d')).toEqual([long])
    expect(await ids('--within', '1h')).toEqual([short])
    expect(await ids('--created-by', 'ana')).toEqual([short])
    await silence('expire', short)
    expect(await ids()).toEqual([long])
    expect(await ids('--expired')).toEqual([short])
    expect(await ids('--expired', '--within', '1h')).toEqual([short])
    expect(await silence('query', '--within', 'x')).toMatchObject({ code: 2 })
  })

  it('says on stderr that there are none', async () => {
    expect(await silence('query', 'nobody')).toEqual({ code: 0, out: '', err: 'hearsay: no silences\n' })
    expect(await silence('query', '-o', 'json')).toEqual({ code: 0, out: '[]\n', err: '' })
  })

  it('shows all columns when asked to, and a comment of several lines on one', async () => {
    const { out } = await silence('add', 'a=b', '-c', 'two\nlines').then(() =>
      silence('query', '-o', 'extended'),
    )
    expect(out.trimEnd().split('\n')).toHaveLength(2)
    expect(out).toMatch(/^ID +STATE +MATCHERS +STARTS AT +ENDS AT +UPDATED AT +CREATED BY +COMMENT\n/)
    expect(out).toMatch(/ active +\{a="b"\} +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC .* two\\nlines\n$/)
  })
})

describe('silence expire', () => {
  it('tries all, names those that are not there, and ends with 3', async () => {
    const [one, two] = [await add('a=b'), await add('c=d')]
    expect(await silence('expire', one, UNKNOWN, two)).toEqual({
      code: 3,
      out: '',
      err: `hearsay: ${UNKNOWN}: there is no such silence\nhearsay: 1 of 3 were not expired\n`,
    })
    expect(await ids()).toEqual([])
    expect(await silence('expire', one)).toEqual({ code: 0, out: '', err: '' })
    expect(await silence('expire')).toMatchObject({ code: 2 })
  })

  it('sends nothing when one of them is no id at all', async () => {
    const one = await add('a=b')
    expect(await silence('expire', one, 'nope')).toEqual({
      code: 2,
      out: '',
      err: 'hearsay: "nope" is no id of a silence: hearsay silence query shows them\nhearsay: nothing was expired\n',
    })
    expect(await ids()).toEqual([one])
  })
})

describe('silence export and import', () => {
  it('brings silences to another replica, and changes nothing the second time', async () => {
    for (const name of ['a', 'b', 'c']) await add(`${name}=~"x.*"`, 'd!=e')
    const file = join(tempDir(), 'silences.json')
    expect(await silence('export', file)).toEqual({
      code: 0,
      out: '',
      err: `hearsay: exported 3 silences to ${file}\n`,
    })
    expect(await silence('export', file)).toMatchObject({
      code: 4,
      err: expect.stringContaining('--force replaces'),
    })
    expect(await silence('export', file, '--force')).toMatchObject({ code: 0 })
    expect((await silence('export')).out).toBe(readFileSync(file, 'utf8'))
    const before = await ids()
    expect(await silence('import', file)).toMatchObject({
      code: 0,
      err: 'hearsay: 3 of 3 silences were imported\n',
    })
    expect(await ids()).toEqual(before)
    const other = alertmanagerApp()
    onTestFinished(() => other.app.close())
    const otherUrl = await other.app.listen({ host: '127.0.0.1', port: 0 })
    const { code, out } = await cli('silence', 'import', file, '--url', otherUrl)
    expect([code, out.trim().split('\n').length]).toEqual([0, 3])
    expect(other.silences.query(ALL)).toHaveLength(3)
    expect(await silence('import', '--force', file)).toMatchObject({ code: 0 })
    expect(await ids()).toHaveLength(6)
  })

  it('one that fails is named, the others are there, and the exit code is 1', async () => {
    await add('a=b')
    const [good] = JSON.parse((await silence('export')).out)
    const file = join(tempDir(), 'partial.json')
    writeFileSync(
      file,
      JSON.stringify([
        { ...good, id: UNKNOWN, comment: 'kept' },
        { ...good, matchers: [] },
      ]),
    )
    const { code, out, err } = await silence('import', '-w', '1', file)
    expect([code, out.trim().split('\n').length]).toEqual([1, 1])
    expect(err).toContain(`hearsay: ${good.id}: `)
    expect(err).toContain('hearsay: 1 of 2 silences were imported, 1 failed\n')
  })

  it('a file that is none is refused as a whole', async () => {
    const file = join(tempDir(), 'x.json')
    for (const text of ['{', '{}', '[1]']) {
      writeFileSync(file, text)
      expect(await silence('import', file)).toMatchObject({ code: 1, out: '' })
    }
    expect(await silence('import', `${file}.gone`)).toMatchObject({ code: 3 })
    expect(await silence('import', file, '--worker', '0')).toMatchObject({ code: 2 })
  })

  it('ends with 5 when the replica goes away, and says how far it came', async () => {
    await add('a=b')
    const [good] = JSON.parse((await silence('export')).out)
    const file = join(tempDir(), 'many.json')
    writeFileSync(file, JSON.stringify(Array.from({ length: 9 }, () => good)))
    let posts = 0
    const dying = fastify()
    dying.post('/api/v2/silences', (request, reply) => {
      posts++
      if (posts > 4) request.raw.socket.destroy()
      else reply.send({ silenceID: UNKNOWN })
    })
    onTestFinished(() => dying.close())
    const dyingUrl = await dying.listen({ host: '127.0.0.1', port: 0 })
    const { code, err } = await cli('silence', 'import', '-w', '1', file, '--url', dyingUrl)
    expect([code, posts]).toEqual([5, 5])
    expect(err).toContain('cannot reach a replica')
    expect(err).toContain('hearsay: 4 of 9 silences were imported\n')
  })
})
