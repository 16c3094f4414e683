/** The real amtool against our `/api/v2`, on a socket. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ALERTMANAGER, amtool } from '../support/alertmanager.ts'
import { type AlertmanagerApp, alertmanagerApp, DISABLED } from '../support/alertmanager-app.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const ALL = { filters: [], states: new Set(['active', 'pending', 'expired'] as const) }

requirement(ALERTMANAGER)('amtool against hearsay', () => {
  let ours: AlertmanagerApp
  let url = ''
  const tool = (...args: readonly string[]) => amtool(url, ...args)
  const add = async (...args: readonly string[]): Promise<string> => {
    const added = await tool('silence', 'add', '--author=ana', '--comment=swap', ...args)
    expect(added).toMatchObject({ code: 0, stderr: '' })
    return added.stdout.trim()
  }
  const query = async (...args: readonly string[]): Promise<string[]> => {
    const found = await tool('silence', 'query', '--quiet', ...args)
    expect(found).toMatchObject({ code: 0, stderr: '' })
    return found.stdout.split('\n').filter((line) => line !== '')
  }

  beforeEach(async () => {
    const peers = [{ name: 'zz-1', address: '127.0.0.1:9094' }]
    ours = alertmanagerApp(undefined, { ...DISABLED, cluster: { name: 'zz-1', status: 'ready', peers } })
    url = await ours.app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterEach(async () => {
    await ours.app.close()
  })

  it('adds, queries and expires silences', async () => {
    const id = await add('alertname=~"Disk.*"', 'instance!=db1')
    expect(ours.silences.get(id)).toMatchObject({ createdBy: 'ana', comment: 'swap' })
    const other = await add('DiskFull')
    expect(await query()).toEqual(expect.arrayContaining([id, other]))
    expect(await query('DiskFull')).toEqual([other])
    expect(await query('instance!=db1')).toEqual([id])
    expect((await tool('silence', 'query')).stdout).toContain('instance!="db1"')
    expect(await tool('silence', 'expire', id)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await tool('silence', 'expire', id)).toMatchObject({ code: 0 })
    expect(await query()).toEqual([other])
    expect(await query('--expired')).toEqual([id])
  })

  it('updates a silence in place', async () => {
    const id = await add('job=api')
    const before = ours.silences.get(id)
    const updated = await tool('silence', 'update', '--duration=5h', '--comment=longer', id)
    expect(updated).toMatchObject({ code: 0, stderr: '' })
    const after = ours.silences.get(id)
    expect(after?.comment).toBe('longer')
    expect(after?.endsAtNs).toBeGreaterThan(before?.endsAtNs ?? 0n)
    expect(ours.silences.query(ALL)).toHaveLength(1)
  })

  it('imports what it exported, again and into an empty replica', async () => {
    await add('job=api')
    await add('job=db', 'env=~dev.*')
    const exported = await tool('silence', 'query', '-o', 'json')
    const file = join(tempDir(), 'silences.json')
    writeFileSync(file, exported.stdout)
    expect(await tool('silence', 'import', file)).toMatchObject({ code: 0 })
    expect(ours.silences.query(ALL)).toHaveLength(2)
    const empty = alertmanagerApp()
    const emptyUrl = await empty.app.listen({ host: '127.0.0.1', port: 0 })
    const imported = await amtool(emptyUrl, 'silence', 'import', file)
    await empty.app.close()
    expect(imported).toMatchObject({ code: 0 })
    expect(empty.silences.query(ALL)).toHaveLength(2)
  })

  it('reports refusals in our words', async () => {
    const bad = await tool('silence', 'add', '--author=ana', '--comment=x', 'job=~.*')
    expect(bad.code).toBe(1)
    expect(bad.stderr).toContain('at least one matcher must not match the empty string')
    const unset = join(tempDir(), 'unset.json')
    const unsetTime = '0001-01-01T00:00:00.000Z'
    const matchers = [{ name: 'a', value: 'b', isRegex: false, isEqual: true }]
    writeFileSync(
      unset,
      JSON.stringify([{ matchers, startsAt: unsetTime, endsAt: unsetTime, createdBy: 'ana', comment: 'x' }]),
    )
    const imported = await tool('silence', 'import', unset)
    expect(imported.stderr).toContain('start time must be before end time')
    // (0.25's amtool exits 0 all the same.)
    expect(ours.silences.query(ALL)).toEqual([])
    expect((await tool('silence', 'expire', 'bbbbbbbb-0000-4000-8000-00000000ffff')).code).toBe(1)
  })

  it('shows the cluster', async () => {
    const shown = await tool('cluster', 'show')
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toContain('ready')
    const extended = await tool('-o', 'extended', 'cluster', 'show')
    expect(extended.stdout).toMatch(/^Address +Name\s+127\.0\.0\.1:9094 +zz-1\s*$/m)
  })

  it('shows a configuration that says who is notified', async () => {
    expect((await tool('config', 'routes')).stdout).toContain('default-route  receiver: none')
    ours.receivers.push('team-a', 'team "b"')
    const shown = await tool('config', 'show')
    expect(shown.stdout).toContain('- name: "team \\"b\\""')
    const routes = await tool('config', 'routes', 'test', 'alertname=x')
    expect(routes).toMatchObject({ code: 0, stdout: 'team-a,team "b"\n' })
  })

  it('shows what silences an alert as it is', async () => {
    expect(await tool('alert', 'add', 'DiskFull', 'node=bar')).toMatchObject({ code: 0, stderr: '' })
    const states = async (...args: readonly string[]) =>
      (await tool('alert', 'query', ...args)).stdout.match(/active|suppressed/g) ?? []
    expect(await states()).toEqual(['active'])
    const id = await add('node=~"b.*"')
    expect(await states()).toEqual([])
    expect(await states('--silenced')).toEqual(['suppressed'])
    expect((await tool('-o', 'json', 'alert', 'query', '--silenced')).stdout).toContain(
      `"silencedBy":["${id}"]`,
    )
    await tool('silence', 'expire', id)
    await until(() => ours.silences.matching({ node: 'bar' }).length === 0)
    expect(await states()).toEqual(['active'])
  })
})
