/** `hearsay doctor` from outside: what it prints and ends with, and that a cluster that is examined does not notice. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Command } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { keyOf } from '../support/gossip-keys.ts'
import { type ReplicaOptions, ReplicaProcess } from '../support/replica-process.ts'
import { commandExists, inCi, requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'

async function started(options: ReplicaOptions): Promise<ReplicaProcess> {
  const replica = await ReplicaProcess.start(options)
  onTestFinished(() => replica.kill())
  return replica
}

interface Report {
  readonly code: number | null
  /** `fail peer tcp` and so on, sorted; without what depends on the machine. */
  readonly trouble: readonly string[]
  readonly text: string
}

interface Printed {
  readonly ok: boolean
  readonly findings: readonly { readonly verdict: string; readonly check: string; readonly detail: string }[]
}

/** Warnings that any machine may deserve. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set([
  'disk sync',
  'disk space',
  'open files',
  'memory',
  'event loop',
])

async function doctor(args: readonly string[], prefix?: readonly string[]): Promise<Report> {
  const command = new Command(['doctor', '-o', 'json', ...args], prefix === undefined ? {} : { prefix })
  const { code } = await command.ended
  const { ok, findings } = JSON.parse(command.stdout) as Printed
  const bad = findings.filter(({ verdict, check }) => verdict !== 'ok' && !OF_THE_MACHINE.has(check))
  expect(ok).toBe(code === 0)
  const trouble = bad.map(({ verdict, check }) => `${verdict} ${check}`).sort((a, b) => (a < b ? -1 : 1))
  return { code, trouble, text: bad.map(({ detail }) => detail).join('\n') }
}

function keyFile(filling: number): string {
  const path = join(tempDir(), 'keys')
  writeFileSync(path, `${keyOf(filling).text}\n`, { mode: 0o600 })
  return path
}

/** A place where nothing is wrong. */
function place(): readonly string[] {
  return [
    `--storage.path=${tempDir()}`,
    '--web.listen-address=127.0.0.1:0',
    '--cluster.listen-address=127.0.0.1:0',
  ]
}

describe('the doctor', () => {
  it('finds nothing wrong with replicas that run well, in their place or asked, and they do not notice', async () => {
    const [firstPath, storagePath, keys] = [tempDir(), tempDir(), keyFile(1)]
    const flags = [`--cluster.key-file=${keys}`, '--cluster.label=blue', '--log.level=info']
    const first = await started({ storagePath: firstPath, flags })
    const peers = [first.gossipAddress]
    const second = await started({ storagePath, flags, peers })
    const outputs = [first.output, second.output]
    const command = new Command([
      'doctor',
      `--storage.path=${storagePath}`,
      `--web.listen-address=${new URL(second.url).host}`,
      `--cluster.listen-address=${second.gossipAddress}`,
      `--cluster.peer=${first.gossipAddress}`,
      ...flags,
    ])
    expect((await command.ended).code).toBe(0)
    for (const line of [
      /^OK data dir .* in use by process \d+$/m,
      /^OK http port .* in use by the hearsay replica \S+$/m,
      /^OK gossip port \S+ udp in use by a hearsay replica$/m,
      /^OK peer tcp .* answers in [\d.]+ ms$/m,
      /^OK peer udp .* answers in [\d.]+ ms$/m,
      /^OK peer clock /m,
      / 0 failed$/m,
    ]) {
      expect(command.stdout.replaceAll(/ +/g, ' ')).toMatch(line)
    }
    const elsewhere = await doctor([
      `--storage.path=${firstPath}`,
      `--web.listen-address=${new URL(second.url).host}`,
      '--cluster.listen-address=127.0.0.1:0',
      ...flags,
    ])
    expect(elsewhere).toMatchObject({ code: 1, trouble: ['fail http port'] })
    expect(elsewhere.text).toContain('keeps its data elsewhere')
    expect(await doctor([`--url=${first.url}`])).toMatchObject({ code: 0, trouble: [] })
    expect([first.output, second.output]).toEqual(outputs)
    const page = (await (await fetch(`${first.url}/api/v1/cluster`)).json()) as { members: unknown[] }
    expect(page.members).toHaveLength(2)
  })

  it.runIf(inCi)(
    'names another key, another label, a port of somebody else, a name that is not found, and options that are wrong',
    async () => {
      const replica = await started({
        storagePath: tempDir(),
        flags: [`--cluster.key-file=${keyFile(1)}`, '--cluster.label=blue'],
      })
      const peer = `--cluster.peer=${replica.gossipAddress}`
      const [otherKey, otherLabel, noName, wrong] = await Promise.all([
        doctor([...place(), peer, '--cluster.label=blue', `--cluster.key-file=${keyFile(2)}`]),
        doctor([...place(), peer, '--cluster.label=green']),
        doctor([...place(), '--cluster.peer=nobody.invalid:9094']),
        doctor(['--log.level=loud', '--cluster.probe-interval=1ms']),
      ])
      expect(otherKey).toMatchObject({ code: 1, trouble: ['fail peer tcp'] })
      expect(otherKey.text).toContain('no key could decrypt the reply')
      expect(otherLabel).toMatchObject({ code: 1, trouble: ['fail peer tcp'] })
      expect(otherLabel.text).toContain('another cluster label')
      expect(noName).toMatchObject({ code: 1, trouble: ['fail dns'] })
      expect(wrong).toMatchObject({ code: 1, trouble: ['fail options', 'fail options'] })
      const gossip = replica.gossipAddress
      const busy = await doctor([
        ...place().slice(0, 1),
        `--web.listen-address=${gossip}`,
        '--cluster.listen-address=',
      ])
      expect(busy).toMatchObject({ code: 1, trouble: ['fail http port'] })
    },
  )

  it('of a replica that nobody reaches says so', async () => {
    const report = await doctor([`--url=http://127.0.0.1:${await freePort()}`])
    expect(report).toMatchObject({ code: 5, trouble: ['fail replica'], text: 'ECONNREFUSED' })
  })

  it('asks a replica, or looks at what flags of serve name: not both', async () => {
    const command = new Command(['doctor', '--url=http://127.0.0.1:1', '--storage.path=x'])
    expect((await command.ended).code).toBe(2)
    expect(command.stderr).toMatch(/^hearsay: --url asks a running replica.* --storage\.path/)
  })
})

const NOBODY = 65534
const unprivileged = {
  name: 'root, to run as nobody',
  present: process.getuid?.() === 0 && commandExists('setpriv'),
  install: 'run the tests as root, with util-linux',
}

requirement(unprivileged)('the doctor as somebody without rights', () => {
  it('names the directory that it may not write', async () => {
    const prefix = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
    const report = await doctor(place(), prefix)
    expect(report).toMatchObject({ code: 1, trouble: ['fail data dir'] })
    expect(report.text).toMatch(/may not write there$/)
  })
})

const clockShim = {
  name: 'faketime',
  present: commandExists('faketime'),
  install: 'apt-get install faketime',
  isOptional: true,
}

requirement(clockShim)('the doctor of a machine whose clock is off', () => {
  it.runIf(inCi)('names the peer that disagrees', async () => {
    const replica = await started({ storagePath: tempDir() })
    const report = await doctor(
      [...place(), `--cluster.peer=${replica.gossipAddress}`],
      ['faketime', '-f', '+30s'],
    )
    expect(report).toMatchObject({ code: 1, trouble: ['fail peer clock'] })
    expect(report.text).toMatch(/^(29|30|31)\.\d s behind this machine/)
  })
})
