import { describe, expect, it } from 'vitest'
import { OptionsError } from '../../../../src/app/options/options-error.ts'
import {
  decoyHash,
  PASSWORD_COST_MAX,
  passwordHashProblem,
} from '../../../../src/app/web-config/password-hash.ts'
import { parseWebConfig } from '../../../../src/app/web-config/web-config-text.ts'
import { authenticates } from '../../../../src/app/web-config/web-settings.ts'
import { YAML_FILE_CHARS_MAX } from '../../../../src/app/web-config/yaml-fields.ts'
import { HASH_OF_SECRET, TLS_LINES } from '../../../support/web-config.ts'

const parse = (text: string) => parseWebConfig('/etc/web.yml', text)
const tls = (lines: string) => `${TLS_LINES}${lines.replaceAll(/^/gm, '  ')}\n`

function problemsOf(text: string): readonly string[] {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof OptionsError) return error.problems
    throw error
  }
  return []
}

const COMPLETE = `
tls_server_config:
  cert_file: server.pem
  key_file: /keys/server.key
  client_ca_file: ca.pem
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example.org, 10.0.0.7]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [X25519, CurveP256]
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    Content-Security-Policy: default-src 'self'
basic_auth_users:
  ana: ${HASH_OF_SECRET}
  "010": ${HASH_OF_SECRET.replace('$2y$', '$2a$')}
rate_limit:
  interval: 10ms
  burst: 20
`

describe('a web config', () => {
  it('with every field is read, and paths are relative to the file', () => {
    const settings = parse(COMPLETE)
    expect(settings.tls).toMatchObject({
      cert: { value: { path: '/etc/server.pem' } },
      key: { value: { path: '/keys/server.key' } },
      clientCa: { value: { path: '/etc/ca.pem' } },
      clientAuth: 'RequireAndVerifyClientCert',
      clientAllowedSans: ['prometheus.example.org', '10.0.0.7'],
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
      ciphers: ['ECDHE-RSA-AES128-GCM-SHA256'],
      prefersOwnOrder: false,
      curves: ['X25519', 'P-256'],
    })
    expect([...settings.headers]).toContainEqual(['X-Frame-Options', 'deny'])
    expect([...settings.users.keys()]).toEqual(['ana', '010'])
    expect(settings.requestRate).toEqual({ intervalMs: 10, burst: 20 })
    expect([settings.isSecret, authenticates(settings)]).toEqual([true, true])
  })

  it.each(['', '# nothing\n', 'basic_auth_users:\n', 'tls_server_config: {}\n'])(
    '%j lets everybody in',
    (text) => {
      const settings = parse(text)
      expect(settings).toMatchObject({
        tls: undefined,
        requestRate: undefined,
        isSecret: false,
        warnings: [],
      })
      expect(authenticates(settings)).toBe(false)
    },
  )

  it('TLS alone keeps nobody out, nor does a certificate that nobody verifies', () => {
    expect(authenticates(parse(TLS_LINES))).toBe(false)
    const unverified = parse(tls('client_auth_type: RequireAnyClientCert'))
    expect(authenticates(unverified)).toBe(false)
    expect(unverified.warnings).toEqual([expect.stringContaining('RequireAnyClientCert keeps nobody out')])
  })

  it('speaks TLS 1.2 and 1.3 unless told otherwise', () => {
    expect(parse(TLS_LINES).tls).toMatchObject({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' })
  })

  it('says what has no effect here', () => {
    expect(parse('http_server_config:\n  http2: true').warnings).toEqual([
      '/etc/web.yml line 2: http_server_config.http2: has no effect: hearsay speaks HTTP/1.1, over TLS as well',
    ])
  })

  it('says that a hash is cheap to guess at', () => {
    expect(parse(`basic_auth_users: {ana: ${HASH_OF_SECRET}}`).warnings).toEqual([
      expect.stringContaining('basic_auth_users.ana: a bcrypt cost of 4 is cheap'),
    ])
  })
})

describe('a web config that is wrong', () => {
  it.each<[string, string]>([
    ['basic_auth_user: {}', 'line 1: basic_auth_user: unknown field (did you mean basic_auth_users?)'],
    [
      'tls_server_config:\n  cert_fil: x\n  key_file: y',
      'line 2: tls_server_config.cert_fil: unknown field (did you mean cert_file?)',
    ],
    ['basic_auth_users:\n  ana: hunter2', 'line 2: basic_auth_users.ana: expected a bcrypt hash'],
    ['basic_auth_users:\n  ana:', 'basic_auth_users.ana: expected a bcrypt hash'],
    [`basic_auth_users:\n  'a:b': ${HASH_OF_SECRET}`, 'a user name has no colon'],
    [`basic_auth_users:\n  ana: ${HASH_OF_SECRET.slice(0, 50)}`, 'this bcrypt hash is damaged'],
    [
      `basic_auth_users:\n  ana: ${HASH_OF_SECRET.replace('$04$', '$16$')}`,
      'a bcrypt cost of 16 keeps everybody',
    ],
    [`basic_auth_users: {ana: ${HASH_OF_SECRET}, ana: ${HASH_OF_SECRET}}`, 'line 1: Map keys must be unique'],
    ['basic_auth_users: [ana]', 'line 1: basic_auth_users: expected fields below it'],
    ['http_server_config:\n  headers:\n    Server: x', 'headers.Server: unknown field'],
    ['http_server_config: {headers: {X-Frame-Options: allow}}', 'expected one of deny, sameorigin'],
    ['http_server_config: {headers: {Content-Security-Policy: "a\\nb"}}', 'Invalid character'],
    ['http_server_config: {http2: yes}', 'http2: expected true or false'],
    ['rate_limit: {interval: often, burst: 1}', 'rate_limit.interval: expected a duration'],
    ['rate_limit: {interval: 1s}', 'without a burst of at least 1'],
    ['rate_limit: {interval: 1s, burst: -1}', 'rate_limit.burst: expected a whole number'],
    ['tls_server_config: {cert_file: x}', 'it needs key_file or key'],
    ['tls_server_config: {key_file: x}', 'it needs cert_file or cert'],
    ['tls_server_config: {min_version: TLS12}', 'it needs cert_file and key_file'],
    ['tls_server_config: {cert: a, cert_file: b, key_file: c}', 'cert is given as well: leave one out'],
    [tls('min_version: TLS11'), 'line 4: tls_server_config.min_version: TLS 1.0 and 1.1 are not spoken'],
    [tls('max_version: TLS14'), 'expected one of TLS12, TLS13'],
    [tls('min_version: TLS13\nmax_version: TLS12'), 'it is above max_version'],
    [tls('cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]'), 'tls_server_config.cipher_suites: expected some of'],
    [tls('cipher_suites: TLS_AES_128_GCM_SHA256'), 'cipher_suites: expected a list'],
    [tls('curve_preferences: [[X25519]]'), 'expected a list of texts'],
    [tls('client_auth_type: Sometimes'), 'expected one of NoClientCert, RequestClientCert'],
    [
      tls('client_auth_type: RequireAndVerifyClientCert'),
      'RequireAndVerifyClientCert needs a client_ca_file',
    ],
    [tls('client_ca_file: ca.pem'), 'it has no meaning without a client_auth_type'],
    [tls('client_allowed_sans: [a]'), 'anybody can claim a name unless client_auth_type is'],
    ['just text', 'line 1: expected fields, not a single value'],
    ['a: [', 'line 1: '],
    ['x'.repeat(YAML_FILE_CHARS_MAX + 1), `has more than ${YAML_FILE_CHARS_MAX} characters`],
  ])('%.60j is refused, naming line and field', (text, complaint) => {
    expect(problemsOf(text).join('\n')).toContain(complaint)
  })

  it('tells all that is wrong at once, and no value', () => {
    const problems = problemsOf(`
tls_server_config: {cert: CERTIFICATE, key: PRIVATE, client_auth_type: x}
basic_auth_users: {ana: hunter2}
rate_limit: {burst: many}
wrong: hunter3`)
    expect(problems).toHaveLength(4)
    expect(problems.join()).not.toMatch(/hunter|CERTIFICATE|PRIVATE|many/)
  })
})

describe('hashes', () => {
  it.each(['$2a$', '$2b$', '$2y$'])('%s is taken, at any cost up to 15', (prefix) => {
    const hash = (cost: string) => `${prefix}${cost}${HASH_OF_SECRET.slice(6)}`
    expect(['04', '10', `${PASSWORD_COST_MAX}`].map((cost) => passwordHashProblem(hash(cost)))).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect(passwordHashProblem(hash('03'))).toContain('damaged')
    expect(passwordHashProblem(hash(`${PASSWORD_COST_MAX + 1}`))).toContain('at most 15')
  })

  it.each(['secret', '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', '$apr1$x$y', '$argon2id$v=19$x', ''])(
    '%j is refused with the command that makes one',
    (text) => {
      expect(passwordHashProblem(text)).toContain('htpasswd -nBC 10')
    },
  )

  it('a decoy is a hash of the same cost', () => {
    const decoy = decoyHash(
      HASH_OF_SECRET,
      new Uint8Array(53).map((_, i) => i * 5),
    )
    expect(passwordHashProblem(decoy)).toBeUndefined()
    expect(decoy.slice(0, 7)).toBe(HASH_OF_SECRET.slice(0, 7))
  })
})
