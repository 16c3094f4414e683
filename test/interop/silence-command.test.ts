/** `hearsay silence` against a real Alertmanager, and its files with amtool. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALERTMANAGER, type Alertmanager, amtool, startAlertmanager } from '../support/alertmanager.ts'
import { alertmanagerApp } from '../support/alertmanager-app.ts'
import { type CliEnd, cli } from '../support/cli-run.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'

const UNKNOWN = 'bbbbbbbb-0000-4000-8000-00000000ffff'

requirement(ALERTMANAGER)('the silence command against Alertmanager', () => {
  let theirs: Alertmanager
  const silence = (...args: readonly string[]): Promise<CliEnd> =>
    cli('silence', ...args, '--url', theirs.url)
  const ids = async (...args: readonly string[]) =>
    (await silence('query', '-q', ...args)).out.split('\n').filter((line) => line !== '')

  beforeAll(async () => {
    theirs = await startAlertmanager({ standalone: true })
  })
  afterAll(() => theirs.stop())

  it('adds, queries and expires', async () => {
    const { code, out } = await silence('add', 'DiskFull', 'job=~"a.*"', 'e!=x y', '-c', 'swap', '-a', 'ana')
    expect(code).toBe(0)
    const id = out.trim()
    expect(await ids('DiskFull', 'e!=x y')).toEqual([id])
    expect((await amtool(theirs.url, 'silence', 'query', '-q', 'DiskFull')).stdout.trim()).toBe(id)
    expect((await silence('query', '-o', 'extended')).out).toContain(
      '{alertname="DiskFull",job=~"a.*",e!="x y"}',
    )
    expect(await silence('expire', id, UNKNOWN)).toMatchObject({
      code: 3,
      err: expect.stringContaining(`${UNKNOWN}: there is no such silence`),
    })
    expect(await ids()).toEqual([])
    expect(await ids('--expired')).toEqual([id])
  })

  it('brings silences from it to hearsay and back; amtool takes the same file', async () => {
    for (const name of ['a', 'b']) await silence('add', `${name}=x`, '-c', 'swap')
    const file = join(tempDir(), 'silences.json')
    expect(await silence('export', file)).toMatchObject({ code: 0 })
    const ours = alertmanagerApp()
    const ourUrl = await ours.app.listen({ host: '127.0.0.1', port: 0 })
    expect(await cli('silence', 'import', file, '--url', ourUrl)).toMatchObject({ code: 0 })
    const back = join(tempDir(), 'back.json')
    writeFileSync(back, (await cli('silence', 'export', '--url', ourUrl)).out)
    await ours.app.close()
    expect(await silence('import', back)).toMatchObject({ code: 0 })
    expect(await ids()).toHaveLength(4)
    expect(await amtool(theirs.url, 'silence', 'import', file)).toMatchObject({ code: 0 })
    expect(await ids()).toHaveLength(4)
  })

  it('fails where amtool ends with 0: one bad silence of two', async () => {
    const [good] = JSON.parse((await silence('export')).out)
    const file = join(tempDir(), 'partial.json')
    writeFileSync(file, JSON.stringify([good, { ...good, matchers: [] }]))
    expect(await silence('import', file)).toMatchObject({
      code: 1,
      err: expect.stringContaining('1 of 2 silences were imported, 1 failed'),
    })
  })
})
