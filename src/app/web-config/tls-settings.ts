/** `tls_server_config`: certificate, key, whose client certificates are taken, and which TLS is spoken. */
import { dirname, resolve } from 'node:path'
import {
  CLIENT_AUTH_TYPES,
  type ClientAuth,
  type PemSource,
  type TlsSettings,
  type TlsVersion,
} from './web-settings.ts'
import type { Found, YamlFields } from './yaml-fields.ts'

const FIELDS: readonly string[] = [
  'cert',
  'key',
  'client_ca',
  'cert_file',
  'key_file',
  'client_ca_file',
  'client_auth_type',
  'client_allowed_sans',
  'min_version',
  'max_version',
  'cipher_suites',
  'prefer_server_cipher_suites',
  'curve_preferences',
]
/** Any of them means TLS. */
const TLS_MEANT = ['cert', 'key', 'client_ca', 'cert_file', 'key_file', 'client_ca_file', 'client_auth_type']

/** Go's older name for the same. */
const REQUIRE_CLIENT_CERT = 'RequireClientCert'

const VERSIONS: ReadonlyMap<string, TlsVersion> = new Map([
  ['TLS12', 'TLSv1.2'],
  ['TLS13', 'TLSv1.3'],
])
const OLD_VERSIONS: readonly string[] = ['TLS10', 'TLS11']

/** Go's names of what it holds for secure; those of TLS 1.3 are always on, there as here. */
export const CIPHERS: ReadonlyMap<string, string> = new Map([
  ['TLS_AES_128_GCM_SHA256', ''],
  ['TLS_AES_256_GCM_SHA384', ''],
  ['TLS_CHACHA20_POLY1305_SHA256', ''],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
])

const CURVES: ReadonlyMap<string, string> = new Map([
  ['CurveP256', 'P-256'],
  ['CurveP384', 'P-384'],
  ['CurveP521', 'P-521'],
  ['X25519', 'X25519'],
])

/** @returns undefined when it is left out: plaintext. What is wrong is told to `root`, what is unwise to `warnings` */
export function readTlsSettings(root: YamlFields, path: string, warnings: string[]): TlsSettings | undefined {
  const fields = root.object('tls_server_config', FIELDS)
  if (!TLS_MEANT.some((name) => fields.text(name) !== undefined)) {
    if (fields.names().length > 0)
      fields.refuse(`${path}: tls_server_config`, 'it needs cert_file and key_file')
    return undefined
  }
  const cert = pemSource(fields, 'cert', path)
  const key = pemSource(fields, 'key', path)
  if (cert === undefined) fields.refuse(`${path}: tls_server_config`, 'it needs cert_file or cert')
  if (key === undefined) fields.refuse(`${path}: tls_server_config`, 'it needs key_file or key')
  const minVersion = version(fields, 'min_version') ?? 'TLSv1.2'
  const maxVersion = version(fields, 'max_version') ?? 'TLSv1.3'
  if (minVersion > maxVersion) {
    fields.refuse(fields.text('min_version')?.place ?? path, 'it is above max_version')
  }
  const clients = readClients(fields, path, warnings)
  const ciphers = named(fields, 'cipher_suites', CIPHERS)
  const curves = named(fields, 'curve_preferences', CURVES)
  const prefersOwnOrder = fields.flag('prefer_server_cipher_suites')?.value ?? true
  if (cert === undefined || key === undefined) return undefined
  return { cert, key, ...clients, minVersion, maxVersion, ciphers, prefersOwnOrder, curves }
}

type ClientSettings = Pick<TlsSettings, 'clientCa' | 'clientAuth' | 'clientAllowedSans'>

function readClients(fields: YamlFields, path: string, warnings: string[]): ClientSettings {
  const clientCa = pemSource(fields, 'client_ca', path)
  const given = fields.oneOf('client_auth_type', [...CLIENT_AUTH_TYPES, REQUIRE_CLIENT_CERT])
  const type = given?.value ?? 'NoClientCert'
  const clientAuth: ClientAuth = type === REQUIRE_CLIENT_CERT ? 'RequireAnyClientCert' : type
  const sans = fields.texts('client_allowed_sans') ?? []
  const verifies = clientAuth === 'RequireAndVerifyClientCert' || clientAuth === 'VerifyClientCertIfGiven'
  if (clientCa !== undefined && clientAuth === 'NoClientCert') {
    fields.refuse(clientCa.place, 'it has no meaning without a client_auth_type')
  }
  if (clientCa === undefined && verifies) {
    const reason = 'otherwise certificates of every public authority would do'
    fields.refuse(given?.place ?? path, `${clientAuth} needs a client_ca_file: ${reason}`)
  }
  if (sans[0] !== undefined && clientAuth !== 'RequireAndVerifyClientCert') {
    fields.refuse(
      sans[0].place,
      'anybody can claim a name unless client_auth_type is RequireAndVerifyClientCert',
    )
  }
  if (clientAuth !== 'NoClientCert' && clientAuth !== 'RequireAndVerifyClientCert') {
    warnings.push(`${given?.place}: ${clientAuth} keeps nobody out; RequireAndVerifyClientCert does`)
  }
  return { clientCa, clientAuth, clientAllowedSans: sans.map(({ value }) => value) }
}

function pemSource(
  fields: YamlFields,
  name: 'cert' | 'key' | 'client_ca',
  path: string,
): PemSource | undefined {
  const text = fields.text(name)
  const file = fields.text(`${name}_file`)
  if (text !== undefined && file !== undefined)
    fields.refuse(file.place, `${name} is given as well: leave one out`)
  if (file !== undefined) return { value: { path: resolve(dirname(path), file.value) }, place: file.place }
  return text === undefined ? undefined : { value: { text: text.value }, place: text.place }
}

function version(fields: YamlFields, name: string): TlsVersion | undefined {
  const text = fields.text(name)
  if (text !== undefined && OLD_VERSIONS.includes(text.value)) {
    fields.refuse(text.place, 'TLS 1.0 and 1.1 are not spoken (RFC 8996): TLS12 or TLS13')
    return undefined
  }
  return VERSIONS.get(fields.oneOf(name, [...VERSIONS.keys()])?.value ?? '')
}

function named(
  fields: YamlFields,
  name: string,
  known: ReadonlyMap<string, string>,
): readonly string[] | undefined {
  const given: readonly Found<string>[] | undefined = fields.texts(name)
  if (given === undefined) return undefined
  const names: string[] = []
  for (const { value, place } of given) {
    const own = known.get(value)
    if (own === undefined) fields.refuse(place, `expected some of ${[...known.keys()].join(', ')}`)
    else if (own !== '') names.push(own)
  }
  return names
}
