/**
 * Certificate, key and authorities as they are read from their files, checked together before anything uses them: a pair
 * that does not belong together would otherwise fail at each client's handshake, and say so to nobody here.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { errorCode } from '../../base/errors.ts'
import { OptionsError } from '../options/options-error.ts'
import { CIPHERS } from './tls-settings.ts'
import type { PemSource, TlsSettings } from './web-settings.ts'

/** These are no choice: in OpenSSL a list without them would turn TLS 1.3 off. */
const TLS13_CIPHERS = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']

export interface TlsMaterial {
  /** As `tls.createServer` and `setSecureContext` take it. */
  readonly context: SecureContextOptions
  /** When the certificate ends, wall clock. */
  readonly notAfterMs: number
}

/**
 * @param pemOf the text behind a source
 * @throws OptionsError naming line and field, never what they hold
 */
export function tlsMaterial(settings: TlsSettings, pemOf: (source: PemSource) => string): TlsMaterial {
  const { clientCa } = settings
  const cert = pemOf(settings.cert)
  const key = pemOf(settings.key)
  const certificate = parsed(settings.cert, 'certificate', () => new X509Certificate(cert))
  const privateKey = parsed(settings.key, 'unencrypted private key', () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new OptionsError([`${settings.key.place}: this is not the key of the certificate`])
  }
  const ca = clientCa === undefined ? undefined : pemOf(clientCa)
  if (clientCa !== undefined) parsed(clientCa, 'certificate', () => new X509Certificate(ca ?? ''))
  const ciphers = settings.ciphers ?? [...CIPHERS.values()].filter((name) => name !== '')
  const context: SecureContextOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: settings.minVersion,
    maxVersion: settings.maxVersion,
    ciphers: [...TLS13_CIPHERS, ...ciphers].join(':'),
    honorCipherOrder: settings.prefersOwnOrder,
    ...(settings.curves === undefined ? {} : { ecdhCurve: settings.curves.join(':') }),
  }
  try {
    createSecureContext(context)
  } catch (error) {
    const reason = errorCode(error) ?? (error instanceof Error ? error.message : '')
    throw new OptionsError([`${settings.cert.place}: no TLS can be made of it: ${reason}`])
  }
  return { context, notAfterMs: Date.parse(certificate.validTo) }
}

function parsed<T>(source: PemSource, what: string, parse: () => T): T {
  try {
    return parse()
  } catch {
    const where = 'path' in source.value ? `${source.value.path} holds` : 'there is'
    throw new OptionsError([`${source.place}: ${where} no ${what} in PEM form`])
  }
}
