/** The example and the code of the tutorial: run as they stand, against the built package. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { installedProject, type Project } from '../support/installed-package.ts'
import { NotifierProcess } from '../support/notifier-process.ts'
import { until } from '../support/until.ts'
import { WebhookSink } from '../support/webhook-sink.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const tutorial = readFileSync(join(ROOT, 'docs', 'tutorial.md'), 'utf8')

/** Each program, with the output that the page shows beneath it. */
const programs = [
  ...tutorial.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```/gm),
].map(([, file = '', text = '', output = '']) => ({ file, text, output }))

let project: Project
beforeAll(() => {
  project = installedProject()
  for (const { file, text } of programs) project.write(file, text)
})
afterAll(() => project.remove())

describe('the tutorial', () => {
  it('shows nothing but programs with a name and an output', () => {
    expect(programs).toHaveLength(5)
    expect(tutorial.match(/^```\w+$/gm)).toHaveLength(2 * programs.length)
  })

  it('compiles in a strict project', () => {
    expect(project.compile(...programs.map(({ file }) => file))).toBe('')
  })

  it.each(programs)('prints what it says: $file', ({ file, output }) => {
    expect(project.run(file.replace(/\.mts$/, '.mjs'))).toEqual({ status: 0, stdout: output, stderr: '' })
  })
})

describe('the README', () => {
  const [, text = ''] = /^```ts\n([\s\S]*?)^```/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []

  it('has code that compiles in a strict project, runs as typed, and ends by itself', () => {
    expect(text).toContain("from 'hearsay'")
    const onFreePort = text
      .replace("'127.0.0.1:9094'", "'127.0.0.1:0'")
      .replace('10.0.0.2:9094', '127.0.0.1:1')
    expect(onFreePort).not.toContain('9094')
    project.write('readme.mts', onFreePort)
    expect(project.compile('readme.mts')).toBe('')
    const ran = project.run('readme.mjs')
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(ran.stdout).toMatch(/type: 'put'[\s\S]*key: 'api'/)
  })
})

describe('examples/embed', () => {
  it('runs, says what it promises, and ends by itself', () => {
    project.write('main.mjs', readFileSync(join(ROOT, 'examples', 'embed', 'main.mjs'), 'utf8'))
    const lines = [
      'threshold kept: true, by first and second',
      'the other replica reads {"cpu":0.9}',
      'on call: ana',
      'one owner each: true',
      'followed: api is 0.9, api deleted',
      'after the first has left, the second owns all: true',
    ]
    const stdout = lines.map((line) => `${line}\n`).join('')
    expect(project.run('main.mjs')).toEqual({ status: 0, stdout, stderr: '' })
  })
})

describe('examples/notifier', () => {
  const folder = join(ROOT, 'examples', 'notifier')

  it('has a page that names every option', () => {
    const options = readFileSync(join(folder, 'main.mjs'), 'utf8').matchAll(
      /^ {4}'?([\w-]+)'?: \{ type: 'string'/gm,
    )
    const names = [...options].map(([, name]) => `\`--${name}\``)
    expect(names.length).toBeGreaterThan(10)
    const page = readFileSync(join(folder, 'README.md'), 'utf8')
    expect(names.filter((name) => !page.includes(name))).toEqual([])
  })

  it('asks for a webhook', () => {
    project.copyExample('notifier')
    const ran = project.run('main.mjs')
    expect(ran).toMatchObject({ status: 2, stdout: '' })
    expect(ran.stderr).toMatch(/^--webhook is missing/)
  })

  it('tries again what the webhook refuses, tells when it has resolved, and ends by SIGTERM', async () => {
    project.copyExample('notifier')
    const sink = await WebhookSink.open()
    onTestFinished(() => sink.close())
    const args = ['--group-by=team', '--group-by=none', '--group-wait=50ms', '--group-interval=100ms']
    const options = { folder: project.folder, name: 'ana', webhook: sink.url, args }
    const notifier = await NotifierProcess.start(options)
    onTestFinished(() => notifier.kill())
    const post = async (host: string, endsAt: Date): Promise<void> => {
      const body = JSON.stringify([{ labels: { alertname: 'a', team: 'x', host }, endsAt }])
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${notifier.url}/api/v2/alerts`, { method: 'POST', headers, body })
      expect(answer.status).toBe(200)
    }
    sink.answers.push(503, 429)
    const later = new Date(Date.now() + 60_000)
    await Promise.all([post('1', later), post('2', later)])
    await until(() => notifier.count('sent', 'first') === 1)
    expect(sink.received).toHaveLength(3)
    expect(notifier.output).toContain('attempt 1 did not succeed: the webhook answered 503')
    expect(new Set(sink.received.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
    expect(sink.received[0]?.payload).toMatchObject({
      groupKey: '{}:{team="x"}',
      groupLabels: { team: 'x' },
      commonLabels: { alertname: 'a', team: 'x' },
      commonAnnotations: {},
      alerts: [{ labels: { host: expect.stringMatching(/[12]/) } }, {}],
    })

    await post('1', new Date())
    await until(() => notifier.count('sent', 'resolved') === 1)
    await post('2', new Date())
    await until(() => notifier.count('sent', 'all-resolved') === 1)
    expect(sink.received.slice(3).map(({ payload }) => payload.alerts.map(({ status }) => status))).toEqual([
      ['firing', 'resolved'],
      ['resolved'],
    ])
    expect(await notifier.stop()).toBe(0)
  })

  it('gives up what the webhook calls wrong, until the next flush', async () => {
    project.copyExample('notifier')
    const sink = await WebhookSink.open()
    onTestFinished(() => sink.close())
    const args = ['--group-wait=50ms', '--group-interval=100ms']
    const notifier = await NotifierProcess.start({
      folder: project.folder,
      name: 'ben',
      webhook: sink.url,
      args,
    })
    onTestFinished(() => notifier.kill())
    sink.answers.push(400)
    const headers = { 'content-type': 'application/json' }
    const body = '[{"labels":{"alertname":"a"}}]'
    await fetch(`${notifier.url}/api/v2/alerts`, { method: 'POST', headers, body })
    await until(() => notifier.flushes.length >= 2)
    const [first, second] = notifier.flushes
    expect(first).toMatchObject({ outcome: 'failed', reason: 'send-failed' })
    expect(first?.detail).toContain('the webhook answered 400')
    expect(second).toMatchObject({ outcome: 'sent', reason: 'first' })
  })
})

describe('a program that closes its replica', () => {
  it.each<[string, string]>([
    ['in memory', '{}'],
    ['with gossip', '{ gossip: { listen } }'],
    ['with HTTP', '{ http: { listen } }'],
    [
      'on disk, with gossip and HTTP',
      "{ dataDir: 'data', gossip: { listen, peers: ['127.0.0.1:1'] }, http: { listen } }",
    ],
  ])('ends by itself: %s, with watches, owners and acknowledgements still waiting', (_name, options) => {
    project.write(
      'exit.mjs',
      `import { openReplica } from 'hearsay'
       const listen = '127.0.0.1:0'
       const replica = await openReplica(${options})
       const map = replica.map('m')
       const ends = [map.watch(), replica.set('s').watch(), replica.ownerChanges('work')].map(async (stream) => {
         for await (const _ of stream);
       })
       await map.set('short', 1, { ttl: '1h', ack: 'all' })
       const unread = map.watch()
       const ready = replica.ready().catch((error) => error.code)
       await replica.close()
       await Promise.all(ends)
       console.log((await unread.next()).done, await ready)`,
    )
    const ran = project.run('exit.mjs')
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^true (undefined|STORE_CLOSED)\n$/)
  })

  it('may also not close it, in memory and without sockets: nothing holds the process', () => {
    project.write(
      'left.mjs',
      `import { openReplica } from 'hearsay'
       const replica = await openReplica()
       void replica.map('m').watch().next()
       await replica.map('m').set('k', 1)
       console.log('written')`,
    )
    expect(project.run('left.mjs')).toEqual({ status: 0, stdout: 'written\n', stderr: '' })
  })
})
