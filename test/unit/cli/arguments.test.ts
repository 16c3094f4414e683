import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IGNORED_FLAGS, UNAVAILABLE_FLAGS } from '../../../src/app/options/foreign-flags.ts'
import { environmentName, OPTION_NAMES } from '../../../src/app/options/option-schema.ts'
import { MAIN } from '../../support/dist.ts'

const KEY = Buffer.alloc(32, 7).toString('base64')
const folder = mkdtempSync(join(tmpdir(), 'hearsay-cli-'))

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build first`)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function hearsay(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): SpawnSyncReturns<string> {
  const env = { PATH: process.env.PATH ?? '', ...environment }
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env, timeout: 15_000 })
}

describe('usage errors are one line on stderr and exit code 2', () => {
  it.each([
    [['--hlep'], "unknown option '--hlep' (Did you mean --help?)"],
    [['srve'], "unknown command 'srve' (Did you mean serve?)"],
    [['xyzzy'], "unknown command 'xyzzy' (see hearsay --help)"],
    [['serve', '--cluster.per', 'x'], "unknown option '--cluster.per' (Did you mean --cluster.peer?)"],
    [['serve', '--cluster.per=x'], "unknown option '--cluster.per' (Did you mean --cluster.peer?)"],
    [['serve', '--xyzzy=x'], "unknown option '--xyzzy' (see hearsay serve --help)"],
    [['serve', 'extra'], "too many arguments for 'serve'"],
    [['serve', '--log.level=loud'], '--log.level: expected one of'],
    [['serve', '--web.listen-address=0.0.0.0:0'], 'add --web.allow-anonymous'],
    [['serve', '--cluster.listen-address=:0'], 'add --cluster.allow-plaintext'],
    [['serve', '--cluster.tls-config=t'], 'not available in this version'],
    [['keys', 'use', KEY], 'a key is not taken as an argument'],
    [['keys', 'add', KEY.slice(4)], 'a key is not taken as an argument'],
    [
      ['keys', 'generate', '--bytes=20'],
      '--bytes must be 16, 24 or 32, not "20" (see hearsay keys generate --help)',
    ],
    [['serve', '--config.file=/nonexistent/x.yml'], '--config.file cannot be read'],
    [['dev', '--nodes=0'], '--nodes must be a whole number from 1'],
    [['dev', '--base-port=65535'], '--base-port must be a whole number'],
    [['sim', '--seed=x'], '--seed must be a whole number'],
    [['kv', 'get', 'map'], "missing required argument 'key'"],
    [['kv', 'gte', 'a', 'b'], '(Did you mean get?)'],
    [['kv', 'put', 'map', '..', 'x'], 'cannot be sent in a path'],
    [['completion', 'tcsh'], 'shell must be bash, zsh or fish, not "tcsh" (see hearsay completion --help)'],
    [['status', '-o', 'xml'], '--output must be table or json, not "xml"'],
    [['status', '--url'], '--url needs a value: URL'],
    [['status', '--url=nowhere'], '--url must be an http or https URL'],
  ])('%j', (args, message) => {
    const { status, stdout, stderr } = hearsay(args)
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^hearsay: [^\n]+\n$/)
    expect([status, stdout]).toEqual([2, ''])
  })

  it('an Alertmanager routing file is refused by name', () => {
    const path = join(folder, 'alertmanager.yml')
    writeFileSync(path, 'route:\n  receiver: x\nreceivers:\n  - name: x\n')
    const { status, stderr } = hearsay(['serve', `--config.file=${path}`])
    expect(stderr).toContain(`${path} is an Alertmanager routing file`)
    expect([status, stderr.trim().split('\n').length]).toEqual([2, 1])
  })

  it('the environment is checked like flags', () => {
    const { status, stderr } = hearsay(['serve'], { HEARSAY_CLUSTER_GOSSIP_INTERVAL: 'soon' })
    expect(stderr).toContain('HEARSAY_CLUSTER_GOSSIP_INTERVAL: not a duration')
    expect(status).toBe(2)
  })
})

describe('help and version', () => {
  it('the version is that of the package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect(hearsay(['--version'])).toMatchObject({ status: 0, stdout: `hearsay ${version}\n`, stderr: '' })
  })

  it('help of serve shows every option with its environment name, and no ignored one', () => {
    const { status, stdout } = hearsay(['serve', '--help'])
    for (const name of OPTION_NAMES) {
      expect(stdout).toContain(`--${name} `)
      expect(stdout).toContain(environmentName(name))
    }
    for (const { name } of [...IGNORED_FLAGS, ...UNAVAILABLE_FLAGS])
      expect(stdout).not.toContain(`--${name} `)
    expect(status).toBe(0)
  })

  it('options are grouped in the order of a first run, with defaults', () => {
    const { stdout } = hearsay(['serve', '--help'])
    const groups = stdout.match(/^\w+:$/gm)
    expect(groups).toEqual([
      'Storage:',
      'Web:',
      'Shutdown:',
      'Cluster:',
      'Limits:',
      'Logging:',
      'Configuration:',
      'Examples:',
    ])
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('(default 200ms; HEARSAY_CLUSTER_GOSSIP_INTERVAL)')
  })

  it('no arguments give the help and the usage code', () => {
    const { status, stderr } = hearsay([])
    expect(stderr).toContain('Usage: hearsay')
    expect(status).toBe(2)
  })
})

describe('flags of Alertmanager', () => {
  it('those without a meaning here warn, in every form, and do not stop the checks of the others', () => {
    const args = [
      'serve',
      '--alerts.gc-interval',
      '30m',
      '--web.get-concurrency=3',
      '--web.systemd-socket',
      '--log.level=x',
    ]
    const { stderr } = hearsay(args)
    expect(stderr).toContain('--log.level: expected')
    const warned = hearsay([
      ...args.slice(0, -1),
      '--no-web.allow-anonymous',
      '--web.listen-address=256.1.1.1:1',
    ])
    expect(warned.stderr).toContain('add --web.allow-anonymous')
  })
})

describe('a client command', () => {
  it('that reaches nobody exits with 5 and says where it looked', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    await new Promise((resolve) => {
      server.close(resolve)
    })
    const { status, stderr } = hearsay(['kv', 'get', 'm', 'k', `--url=${url}`])
    expect(stderr).toBe(`hearsay: cannot reach a replica at ${url}: ECONNREFUSED\n`)
    expect(status).toBe(5)
  })
})
