/** Why no answer came, in words that say what to do. */
import { errorCode } from '../base/errors.ts'

const NOT_TLS = 'it does not speak TLS there: http:// perhaps'
const UNKNOWN_AUTHORITY = 'its certificate is signed by nobody known here: name the authority with --ca-file'
const WORDS: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', UNKNOWN_AUTHORITY],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNKNOWN_AUTHORITY],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNKNOWN_AUTHORITY],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name'],
  [
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'it asks for a client certificate: --client-cert-file and --client-key-file',
  ],
  ['EPROTO', NOT_TLS],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NOT_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NOT_TLS],
])

/**
 * @param url that was asked
 * @param timeoutMs that `TimeoutError` stands for
 */
export function connectionTrouble(error: unknown, url: string, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`
  const code = errorCode(error) ?? errorCode(error.cause) ?? error.message
  const words = WORDS.get(code)
  if (words !== undefined) return `${words} (${code})`
  // A server of the other kind hangs up, as does ours on a certificate that it does not let in.
  if (code === 'ECONNRESET' && url.startsWith('https:')) {
    return `${code}: it hung up; it may ask for a client certificate that it knows, or speak no TLS`
  }
  if (code === 'ECONNRESET' || code.startsWith('HPE_')) return `${code}: it may speak TLS there: https://`
  return code
}
