/** Items 71, 76 and 78 of the checklist: receivers, everything below a prefix, and amtool as the client. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ALERTMANAGER, amtool } from '../support/alertmanager.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'
import { ApiClient, aSilence, equal, freshValue, UNSET } from './api-client.ts'
import { DIFFERENCES } from './differences.ts'
import { expected, RECEIVERS, type Subject } from './subject.ts'

const PREFIX = '/foo'

function prefixItems(subject: () => Subject): void {
  it('item 76: with a route prefix every endpoint is below it, and nowhere else', async () => {
    const below = await subject().startUnder(PREFIX)
    onTestFinished(() => below.stop())
    const root = below.url.slice(0, -PREFIX.length)
    const api = new ApiClient(below.url)
    const id = await api.create()
    const paths = [
      ...['/api/v2/status', '/api/v2/silences', `/api/v2/silence/${id}`, '/api/v2/receivers'],
      ...['/api/v2/alerts', '/metrics', '/-/healthy', '/-/ready'],
    ]
    const statuses = async (base: string): Promise<readonly (readonly [string, number])[]> =>
      Promise.all(paths.map(async (path) => [path, (await fetch(base + path)).status] as const))
    await untilAsync(async () => (await fetch(`${below.url}/-/ready`)).status === 200, 'to be ready')
    expect(await statuses(below.url)).toEqual(paths.map((path) => [path, 200]))
    expect(await statuses(root)).toEqual(paths.map((path) => [path, 404]))
    await api.expire(id)
  })

  it('item 71: receivers are listed in their order, and all matchers on them must hold', async () => {
    const api = new ApiClient(subject().url)
    const names = async (...matchers: readonly string[]): Promise<readonly string[]> => {
      const query = matchers.map((text) => `receiver_matchers=${encodeURIComponent(text)}`).join('&')
      const receivers = await api.json<readonly { readonly name: string }[]>(`/receivers?${query}`)
      return receivers.map(({ name }) => name)
    }
    const { selected, bad } = expected(DIFFERENCES.receiverMatchers, subject())
    expect(await names()).toEqual(RECEIVERS)
    expect(await names('name=~"team-.*"', 'name!="team-a"')).toEqual(selected)
    const refused = await api.request('GET', '/receivers?receiver_matchers=name')
    expect(refused.status).toBe(bad)
    if (bad === 400) {
      expect(JSON.parse(refused.text)).toBe(
        'failed to parse receiver_matchers param: bad matcher format: name',
      )
    }
  })
}

function amtoolItems(subject: () => Subject): void {
  const tool = (...args: readonly string[]) => amtool(subject().url, ...args)
  const add = async (...matchers: readonly string[]): Promise<string> => {
    const added = await tool('silence', 'add', '--author=ana', '--comment=swap', ...matchers)
    expect(added).toMatchObject({ code: 0, stderr: '' })
    return added.stdout.trim()
  }
  const query = async (...args: readonly string[]): Promise<readonly string[]> => {
    const found = await tool('silence', 'query', '--quiet', ...args)
    expect(found).toMatchObject({ code: 0, stderr: '' })
    return found.stdout.split('\n').filter((line) => line !== '')
  }

  it('item 78: amtool adds, finds by a bare name, expires by id, and finds what has ended', async () => {
    const name = freshValue()
    const id = await add(name, 'env=~"dev.*"')
    expect(await query(name)).toEqual([id])
    expect(await query(`alertname=${name}`, 'env=~dev.*')).toEqual([id])
    expect(await tool('silence', 'expire', id)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await tool('silence', 'expire', id)).toMatchObject({ code: 0 })
    expect(await query(name)).toEqual([])
    expect(await query('--expired', name)).toEqual([id])
  })

  it('item 78: amtool imports what it exported, and makes silences anew whose id nobody knows', async () => {
    const name = freshValue()
    const id = await add(name)
    const exported = await tool('silence', 'query', '-o', 'json', name)
    expect(JSON.parse(exported.stdout)).toMatchObject([{ id, createdBy: 'ana', comment: 'swap' }])
    const file = join(tempDir(), 'silences.json')
    writeFileSync(file, exported.stdout)
    expect(await tool('silence', 'import', file)).toMatchObject({ code: 0 })
    expect(await query(name)).toEqual([id])
    writeFileSync(file, exported.stdout.replace(id, 'cccccccc-0000-4000-8000-00000000000b'))
    expect(await tool('silence', 'import', file)).toMatchObject({ code: 0 })
    expect(await query(name)).toHaveLength(2)
  })

  it('item 78: amtool says of each silence why it could not be imported, and imports the others', async () => {
    const file = join(tempDir(), 'silences.json')
    const failures = async (content: string): Promise<readonly string[]> => {
      writeFileSync(file, content)
      const { stderr } = await tool('silence', 'import', file)
      // Its last line counts them, in this release while the others are still running: now one, now two of three.
      return stderr.split('\n').filter((line) => /^Error adding|unmarshal/.test(line))
    }
    expect(await failures('not JSON')).toEqual([expect.stringContaining("couldn't unmarshal input data")])
    const [good, unset] = [aSilence(), aSilence({ startsAt: UNSET, endsAt: UNSET })]
    const failure = expect.stringContaining('Failed to create silence: start time must be before end time')
    expect(await failures(JSON.stringify([unset]))).toEqual([failure])
    expect(await failures(JSON.stringify([good, unset, unset]))).toEqual([failure, failure])
    const stored = await new ApiClient(subject().url).list(`job="${good.matchers[0]?.value}"`)
    expect(stored).toHaveLength(1)
  })

  it('item 78: amtool adds alerts, and finds them by whether they are silenced', async () => {
    const mark = freshValue()
    expect(await tool('alert', 'add', 'alertname=disk', `mark=${mark}`)).toMatchObject({ code: 0 })
    const found = async (...flags: readonly string[]): Promise<number> => {
      const { code, stdout } = await tool('alert', 'query', '-o', 'json', ...flags, `mark=${mark}`)
      expect(code).toBe(0)
      return (JSON.parse(stdout) as unknown[]).length
    }
    await untilAsync(async () => (await found('--active')) + (await found('--unprocessed')) > 0, 'the alert')
    const api = new ApiClient(subject().url)
    await api.create(aSilence({ matchers: [equal('mark', mark)] }))
    expect(await found('--active')).toBe(0)
    expect(await found('--silenced')).toBe(1)
  })
}

export function httpServerItems(subject: () => Subject): void {
  prefixItems(subject)
  if (ALERTMANAGER.present) amtoolItems(subject)
}
