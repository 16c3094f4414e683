/**
 * What the file of `--web.config.file` says, once it has been checked: the format of Prometheus' exporter toolkit
 * (github.com/prometheus/exporter-toolkit, docs/web-configuration.md, snapshot 19a7c2d), so that a file that serves an
 * Alertmanager serves here as well. Where we are stricter, and why, is in docs/reference/web-config.md.
 */
import type { Found } from './yaml-fields.ts'

/** Go's names, in the order of trust. */
export const CLIENT_AUTH_TYPES = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const

export type ClientAuth = (typeof CLIENT_AUTH_TYPES)[number]
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** PEM text in the file itself, or the path of the file that holds it, relative ones already joined. */
export type PemSource = Found<{ readonly text: string } | { readonly path: string }>

export interface TlsSettings {
  readonly cert: PemSource
  readonly key: PemSource
  readonly clientCa: PemSource | undefined
  readonly clientAuth: ClientAuth
  /** Empty: any. */
  readonly clientAllowedSans: readonly string[]
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
  /** OpenSSL's names, of TLS 1.2 only; undefined for the usual ones. */
  readonly ciphers: readonly string[] | undefined
  readonly prefersOwnOrder: boolean
  /** OpenSSL's names; undefined for the usual ones. */
  readonly curves: readonly string[] | undefined
}

export interface RequestRate {
  /** Between two requests. */
  readonly intervalMs: number
  /** Requests that may come at once. */
  readonly burst: number
}

export interface WebSettings {
  /** Undefined: plaintext. */
  readonly tls: TlsSettings | undefined
  /** Of every answer. */
  readonly headers: ReadonlyMap<string, string>
  /** bcrypt hashes by user; empty: everybody may. */
  readonly users: ReadonlyMap<string, string>
  readonly requestRate: RequestRate | undefined
  /** Whether the file itself holds what others should not read: hashes, or the key. */
  readonly isSecret: boolean
  /** One sentence each, for a person. */
  readonly warnings: readonly string[]
}

/** Whether a stranger is kept out: by password, or by a certificate that one of our authorities signed. */
export function authenticates({ tls, users }: WebSettings): boolean {
  return users.size > 0 || tls?.clientAuth === 'RequireAndVerifyClientCert'
}
