import { describe, expect, it } from 'vitest'
import { CONFIG_FILE_CHARS_MAX } from '../../../../src/app/options/option-file.ts'
import { isLoopback } from '../../../../src/app/options/option-rules.ts'
import { environmentName, OPTION_NAMES, OPTION_SCHEMA } from '../../../../src/app/options/option-schema.ts'
import { defaultOptions, effectiveRoutePrefix, resolveOptions } from '../../../../src/app/options/options.ts'
import { OptionsError } from '../../../../src/app/options/options-error.ts'
import type { OptionName } from '../../../../src/app/options/serve-options.ts'
import { keyOf } from '../../../support/gossip-keys.ts'
import { HASH_OF_SECRET, TLS_LINES, webConfigFolder } from '../../../support/web-config.ts'

interface Given {
  readonly flags?: Readonly<Record<string, string | readonly string[]>>
  readonly environment?: Readonly<Record<string, string>>
  readonly file?: string
}

function resolve({ flags = {}, environment = {}, file }: Given): ReturnType<typeof resolveOptions> {
  const withFile = file === undefined ? flags : { ...flags, 'config.file': 'hearsay.yml' }
  return resolveOptions({
    flags: new Map(
      Object.entries(withFile).map(([name, text]) => [name, typeof text === 'string' ? [text] : text]),
    ),
    environment,
    readFile: () => file ?? '',
  })
}

function problemsOf(given: Given): readonly string[] {
  try {
    resolve(given)
  } catch (error) {
    if (error instanceof OptionsError) return error.problems
    throw error
  }
  return []
}

describe('precedence', () => {
  it('without any source every option is at its default', () => {
    const { options, origins, warnings } = resolve({})
    for (const name of OPTION_NAMES) expect(options[name]).toEqual(OPTION_SCHEMA[name].default)
    expect([origins.size, warnings.length]).toEqual([0, 0])
    expect(options).toEqual(defaultOptions())
  })

  it('a flag beats the environment, the environment the file, the file the default', () => {
    const file = 'cluster: { gossip-interval: 300ms, probe-interval: 3s, tcp-timeout: 3s }'
    const environment = { HEARSAY_CLUSTER_GOSSIP_INTERVAL: '400ms', HEARSAY_CLUSTER_PROBE_INTERVAL: '4s' }
    const { options, origins } = resolve({ flags: { 'cluster.gossip-interval': '500ms' }, environment, file })
    expect(options['cluster.gossip-interval']).toBe(500)
    expect(options['cluster.probe-interval']).toBe(4000)
    expect(options['cluster.tcp-timeout']).toBe(3000)
    expect(options['cluster.settle-timeout']).toBe(60_000)
    expect(origins.get('cluster.gossip-interval')).toBe('--cluster.gossip-interval')
    expect(origins.get('cluster.probe-interval')).toBe('HEARSAY_CLUSTER_PROBE_INTERVAL')
    expect(origins.get('cluster.tcp-timeout')).toBe('hearsay.yml line 1: cluster.tcp-timeout')
  })

  it('lists are replaced whole, not merged', () => {
    const environment = { HEARSAY_CLUSTER_PEER: '10.0.0.1:9094, 10.0.0.2:9094,' }
    expect(resolve({ environment }).options['cluster.peer']).toEqual(['10.0.0.1:9094', '10.0.0.2:9094'])
    const flags = { 'cluster.peer': ['a:1', 'b:2,[::1]:3'] }
    expect(resolve({ environment, flags }).options['cluster.peer']).toEqual(['a:1', 'b:2', '[::1]:3'])
  })

  it('an empty flag is a value: it turns clustering off', () => {
    expect(resolve({ flags: { 'cluster.listen-address': '' } }).options['cluster.listen-address']).toBe('')
  })

  it('the file may be named by the environment', () => {
    const environment = { HEARSAY_CONFIG_FILE: 'x.yml' }
    const resolved = resolveOptions({
      flags: new Map(),
      environment,
      readFile: (path) => `log: {level: ${path === 'x.yml' ? 'warn' : 'error'}}`,
    })
    expect(resolved.options['log.level']).toBe('warn')
  })

  it('a variable that looks like an option and is none is warned about', () => {
    const { warnings } = resolve({
      environment: { HEARSAY_CLUSTER_PEERS: 'x', HEARSAY_URL: 'x', OTHER: 'x' },
    })
    expect(warnings).toEqual([
      'the environment variable HEARSAY_CLUSTER_PEERS is no option of hearsay and has no effect',
    ])
  })
})

describe('values', () => {
  it.each<[OptionName, string, unknown]>([
    ['storage.path', '/var/lib/x', '/var/lib/x'],
    ['data.retention', '5d', 432_000_000],
    ['web.allow-anonymous', 'true', true],
    ['web.allow-anonymous', 'false', false],
    ['web.listen-address', '[::1]:0', '[::1]:0'],
    ['cluster.peer', 'alertmanager.example.org', ['alertmanager.example.org']],
    ['cluster.label', 'prod', 'prod'],
    ['log.format', 'json', 'json'],
    ['cluster.pushpull-interval', '0', 0],
  ])('%s takes %j', (name, text, value) => {
    expect(resolve({ flags: { [name]: text } }).options[name]).toEqual(value)
  })

  it.each<[OptionName, string, RegExp]>([
    ['data.retention', '5', /not a duration/],
    ['data.retention', '1s', /expected 1m to/],
    ['cluster.gossip-interval', '0', /expected 10ms to 1m/],
    ['web.allow-anonymous', 'yes', /expected true or false/],
    ['log.level', 'loud', /expected one of trace, debug/],
    ['web.listen-address', '9093', /not an address/],
    ['web.listen-address', '1.2.3.4:99999', /not an address/],
    ['web.listen-address', '::1:9093', /not an address/],
    ['cluster.peer', 'http://x:1', /not an address/],
    ['cluster.peer', ':9094', /a peer needs a host/],
    ['cluster.peer', 'x:0', /a peer needs a host/],
    ['cluster.label', 'x'.repeat(256), /at most 255 bytes/],
    ['cluster.peer-name', 'a\nb', /control characters/],
    ['web.external-url', 'ftp://x', /must be an http or https URL/],
    ['web.external-url', 'http://x/?a=1', /must be an http or https URL/],
    ['web.route-prefix', 'x', /must be a path/],
    ['cluster.advertise-address', 'host:1', /must be an IP address/],
    ['cluster.advertise-address', '0.0.0.0:1', /must be an IP address/],
    ['cluster.probe-timeout', '2s', /must be shorter than --cluster.probe-interval/],
    ['cluster.listen-address', '127.0.0.1:9093', /are both 127.0.0.1:9093/],
  ])('%s refuses %j in one line that names the flag', (name, text, expected) => {
    const problems = problemsOf({ flags: { [name]: text } })
    expect(problems.length).toBe(1)
    expect(problems[0]).toMatch(expected)
    expect(problems[0]).toContain(`--${name}`)
    expect(problems[0]).not.toContain('\n')
  })

  it('of a file all is told: keys that there are not, and values with the names of their keys', () => {
    const file = 'log: {level: loud, levl: x}\nstorage: {pth: x}\ndata: {retention: soon}\n'
    expect(problemsOf({ file, flags: { 'log.format': 'xml' } })).toEqual([
      'hearsay.yml line 1: unknown key log.levl (did you mean log.level?)',
      'hearsay.yml line 2: unknown key storage.pth (did you mean storage.path?)',
      expect.stringMatching(/^hearsay.yml line 3: data.retention: not a duration/),
      expect.stringMatching(/^hearsay.yml line 1: log.level: expected one of/),
      expect.stringMatching(/^--log.format: expected one of/),
    ])
  })

  it('where the YAML breaks is told once', () => {
    const [problem = ''] = problemsOf({ file: 'cluster:\n  peer: [a:1\nlog: {level: info}\n' })
    expect(problem).toMatch(/^hearsay.yml line \d+: /)
    expect(problem.match(/line/g)).toHaveLength(1)
    expect(problem).not.toMatch(/:$|\n/)
  })

  it('all problems are told at once, each with where it stands', () => {
    const problems = problemsOf({
      flags: { 'log.level': 'loud' },
      environment: { HEARSAY_LOG_FORMAT: 'xml' },
      file: 'data:\n  retention: soon\n',
    })
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'hearsay.yml line 2',
      '--log.level',
      'HEARSAY_LOG_FORMAT',
    ])
  })

  it('a flag that is no list is not taken twice', () => {
    expect(problemsOf({ flags: { 'log.level': ['info', 'warn'] } })[0]).toContain('more than once')
  })

  it('at most 1,000 peers are taken', () => {
    const peers = Array.from({ length: 1001 }, (_, i) => `p${i}:1`)
    expect(problemsOf({ flags: { 'cluster.peer': peers } })[0]).toContain('at most 1000 peers')
    expect(problemsOf({ flags: { 'cluster.peer': peers.slice(1) } })).toEqual([])
  })
})

describe('the file', () => {
  it('nested keys spell the flags, scalars keep their text', () => {
    const file =
      'storage:\n  path: 0123\ncluster:\n  peer:\n    - 10.0.0.1:9094\n    - b:1\n  allow-plaintext: true\n'
    const { options } = resolve({ file })
    expect(options['storage.path']).toBe('0123')
    expect(options['cluster.peer']).toEqual(['10.0.0.1:9094', 'b:1'])
    expect(options['cluster.allow-plaintext']).toBe(true)
  })

  it.each([
    [
      'cluster:\n  peers: [a:1]\n',
      'hearsay.yml line 2: unknown key cluster.peers (did you mean cluster.peer?)',
    ],
    ['log:\n  level: info\nfoo: 1\n', 'hearsay.yml line 3: unknown key foo'],
    ['config:\n  file: x\n', 'hearsay.yml line 2: unknown key config.file'],
    ['cluster: 5\n', 'hearsay.yml line 1: unknown key cluster'],
    ['log:\n  level: [a, b]\n', 'hearsay.yml line 2: log.level takes one value'],
    ['log:\n  level:\n', 'hearsay.yml line 2: log.level takes one value'],
    ['cluster:\n  peer: [[a]]\n', 'hearsay.yml line 2: cluster.peer takes a list of texts'],
    ['just text', 'hearsay.yml line 1: expected keys'],
    ['a: 1\na: 2\n', 'hearsay.yml line 2: Map keys must be unique'],
    ['a: &x 1\nb: *x\n', 'hearsay.yml line 1: unknown key a'],
    ['\n\n{', 'hearsay.yml line 3: '],
  ])('%j is refused with its line', (file, problem) => {
    expect(problemsOf({ file })[0]).toContain(problem)
  })

  it.each(['route:\n  receiver: x\n', 'global: {}\nreceivers: []\n'])(
    'an Alertmanager routing file is called one: %j',
    (file) => {
      expect(problemsOf({ file })).toEqual([expect.stringContaining('is an Alertmanager routing file')])
    },
  )

  it('an empty file is fine, an unreadable or huge one is not', () => {
    expect(problemsOf({ file: '' })).toEqual([])
    expect(problemsOf({ file: '# nothing\n' })).toEqual([])
    expect(problemsOf({ file: `# ${'x'.repeat(CONFIG_FILE_CHARS_MAX)}` })[0]).toContain(
      'that is no configuration',
    )
    const readFile = (): string => {
      throw new Error('ENOENT: no such file')
    }
    const flags = new Map([['config.file', ['x.yml']]])
    expect(() => resolveOptions({ flags, environment: {}, readFile })).toThrow(
      '--config.file cannot be read: ENOENT',
    )
  })
})

describe('exposure', () => {
  it.each(['0.0.0.0', '', '10.0.0.1', '[::]', 'host.example'])(
    'listening on %j needs explicit consent',
    (host) => {
      const [web] = problemsOf({ flags: { 'web.listen-address': `${host}:9093` } })
      expect(web).toContain('--web.allow-anonymous')
      const [gossip] = problemsOf({ flags: { 'cluster.listen-address': `${host}:9094` } })
      expect(gossip).toContain('--cluster.allow-plaintext')
      expect(gossip).toContain('Alertmanager')
      const flags = {
        'web.listen-address': `${host}:9093`,
        'cluster.listen-address': `${host}:9094`,
        'web.allow-anonymous': 'true',
        'cluster.allow-plaintext': 'true',
      }
      expect(problemsOf({ flags })).toEqual([])
    },
  )

  it('a web config that lets nobody unknown in protects HTTP; TLS alone does not', () => {
    const flagsWith = (text: string, more: Readonly<Record<string, string>> = {}) => ({
      'web.listen-address': '10.0.0.1:9093',
      'web.config.file': webConfigFolder(text).path,
      ...more,
    })
    const users = `basic_auth_users:\n  ana: ${HASH_OF_SECRET.replace('$04$', '$10$')}\n`
    const clients = `${TLS_LINES}  client_ca_file: ca.pem\n  client_auth_type: `
    expect(problemsOf({ flags: { 'web.listen-address': ':9093' } })[0]).toContain(
      'add a --web.config.file with',
    )
    for (const text of ['', TLS_LINES, `${clients}VerifyClientCertIfGiven\n`]) {
      const [problem] = problemsOf({ flags: flagsWith(text) })
      expect(problem).toContain('add basic_auth_users, or client_auth_type: RequireAndVerifyClientCert')
    }
    for (const text of [`${TLS_LINES}${users}`, `${clients}RequireAndVerifyClientCert\n`]) {
      expect(resolve({ flags: flagsWith(text) }).warnings).toEqual([])
    }
    expect(resolve({ flags: flagsWith(users) }).warnings).toEqual([
      'passwords cross the network in clear text to 10.0.0.1:9093: add tls_server_config to the web config',
    ])
    const anonymous = flagsWith(`${TLS_LINES}${users}`, { 'web.allow-anonymous': 'true' })
    expect(resolve({ flags: anonymous }).warnings).toEqual([
      '--web.allow-anonymous has no effect: the web config says who may come in; leave it out',
    ])
  })

  it('a web config that is wrong is a problem of the options, with its lines', () => {
    const flags = { 'web.config.file': webConfigFolder('basic_auth_users: {ana: hunter2}').path }
    expect(problemsOf({ flags })).toEqual([
      expect.stringContaining('web.yml line 1: basic_auth_users.ana: expected'),
    ])
    expect(problemsOf({ flags: { 'web.config.file': '/nonexistent' } })).toEqual([
      '--web.config.file /nonexistent: cannot be read: ENOENT',
    ])
  })

  it('a key file protects gossip, as long as nothing plaintext is taken or sent', () => {
    const open = { 'cluster.listen-address': '10.0.0.1:9094' }
    const [refused] = problemsOf({ flags: open })
    expect(refused).toContain('--cluster.listen-address 10.0.0.1:9094 would gossip unencrypted')
    expect(refused).toContain('--cluster.key-file')
    const keyed = { ...open, 'cluster.key-file': 'keys' }
    expect(problemsOf({ flags: keyed })).toEqual([])
    for (const [name, said] of [
      ['cluster.verify-incoming', 'would take unencrypted gossip, whatever is in the key file'],
      ['cluster.verify-outgoing', 'would send unencrypted gossip, whatever is in the key file'],
    ] as const) {
      const flags = { ...keyed, [name]: 'false' }
      const [problem] = problemsOf({ flags })
      expect(problem).toContain(said)
      expect(problem).toContain(`leave out --no-${name}`)
      expect(problemsOf({ flags: { ...flags, 'cluster.allow-plaintext': 'true' } })).toEqual([])
    }
  })

  it('a key file without clustering is a contradiction, and so is one without a name', () => {
    const off = { 'cluster.listen-address': '', 'cluster.key-file': 'keys' }
    expect(problemsOf({ flags: off })).toEqual([expect.stringContaining('clustering is off')])
    expect(problemsOf({ flags: { 'cluster.key-file': '' } })).toEqual([
      expect.stringContaining('--cluster.key-file must not be empty'),
    ])
  })

  it.each([16, 24, 32])(
    'a key of %i bytes where the path of its file belongs is refused and never repeated',
    (bytes) => {
      const { text } = keyOf(7, bytes)
      for (const value of [
        text,
        `${text}\n${keyOf(8, bytes).text}`,
        `# old\n${text}`,
        text.replace('=', '_='),
      ]) {
        const indented = value.replaceAll('\n', '\n    ')
        const given: readonly Given[] = [
          { flags: { 'cluster.key-file': value } },
          { environment: { HEARSAY_CLUSTER_KEY_FILE: value } },
          { file: `cluster:\n  key-file: |\n    ${indented}\n` },
        ]
        for (const one of given) {
          const [problem = ''] = problemsOf(one)
          expect(problem).toContain('takes the path of a file, and this looks like a key')
          expect(problem).not.toContain(text.slice(0, 8))
        }
      }
    },
  )

  it('a path made of nothing but the letters of base64 is a path', () => {
    for (const path of ['/etc/hearsay/secrets/gossip/keys', 'gossip.keys', '/run/secrets/gossip']) {
      expect(problemsOf({ flags: { 'cluster.key-file': path } })).toEqual([])
    }
  })

  it('protection flags without effect are warned of, whatever source they come from', () => {
    const warningsOf = (given: Given): readonly string[] => resolve(given).warnings
    const lone = [
      expect.stringMatching(/^--no-cluster.verify-incoming has no effect without a --cluster.key-file/),
    ]
    expect(warningsOf({ flags: { 'cluster.verify-incoming': 'false' } })).toEqual(lone)
    expect(warningsOf({ file: 'cluster:\n  verify-incoming: false\n' })).toEqual(lone)
    const keyed = { 'cluster.key-file': 'keys', 'cluster.allow-plaintext': 'true' }
    expect(warningsOf({ flags: keyed })).toEqual([
      expect.stringMatching(/^--cluster.allow-plaintext has no effect/),
    ])
    expect(warningsOf({ flags: { ...keyed, 'cluster.verify-outgoing': 'false' } })).toEqual([])
    expect(warningsOf({ flags: { 'cluster.allow-plaintext': 'true' } })).toEqual([])
    expect(warningsOf({})).toEqual([])
  })

  it('networks are given as a list of CIDR, from every source', () => {
    const networks = ['10.0.0.0/8', 'fd00::/8', '192.0.2.1/32']
    const given: readonly Given[] = [
      { flags: { 'cluster.allowed-networks': ['10.0.0.0/8,fd00::/8', '192.0.2.1/32'] } },
      { environment: { HEARSAY_CLUSTER_ALLOWED_NETWORKS: networks.join(', ') } },
      { file: `cluster:\n  allowed-networks: [${networks.join(', ')}]\n` },
    ]
    for (const one of given) expect(resolve(one).options['cluster.allowed-networks']).toEqual(networks)
    for (const wrong of ['10.0.0.0', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'fd00::/08', 'any']) {
      expect(problemsOf({ flags: { 'cluster.allowed-networks': wrong } })[0]).toContain('expected a network')
    }
  })

  it('only loopback addresses and localhost count as loopback', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true)
    expect(['', '0.0.0.0', '::', '128.0.0.1', '127.0.0.1.example.org', '::2'].some(isLoopback)).toBe(false)
  })

  it('peers without clustering are a contradiction', () => {
    const flags = { 'cluster.listen-address': '', 'cluster.peer': 'a:1' }
    expect(problemsOf({ flags })).toEqual([expect.stringContaining('clustering is off')])
  })
})

describe('names and prefix', () => {
  it('every option has an environment name of its own', () => {
    const names = OPTION_NAMES.map(environmentName)
    expect(new Set(names).size).toBe(names.length)
    expect(environmentName('cluster.peer-name')).toBe('HEARSAY_CLUSTER_PEER_NAME')
  })

  it('the route prefix is the path of the external URL unless given', () => {
    const externalUrl = { 'web.external-url': 'https://x.example/hearsay/' }
    expect(effectiveRoutePrefix(defaultOptions())).toBe('')
    expect(effectiveRoutePrefix(defaultOptions(externalUrl))).toBe('/hearsay')
    expect(effectiveRoutePrefix(defaultOptions({ ...externalUrl, 'web.route-prefix': '/' }))).toBe('')
  })
})
