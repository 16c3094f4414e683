/**
 * A gossip key as people handle it: base64 of 16, 24 or 32 bytes when it is given, a fingerprint when it is shown.
 *
 * A fingerprint is the first 8 hex digits of the key's SHA-256: enough to tell eight keys apart, and nothing that leads
 * back to a random key. Keys themselves are shown by nobody: no message here repeats what was given.
 */
import { createHash, randomBytes } from 'node:crypto'
import { HearsayError } from '../base/errors.ts'
import { Keyring } from '../gossip/wire/keyring.ts'

const FINGERPRINT_CHARS = 8
const FINGERPRINT_FORM = /^[0-9a-f]{8}$/i
const BASE64_FORM = /^[A-Za-z0-9+/]+={0,2}$/
const PADDED_FORM = /^[A-Za-z0-9+/_-]{20,}={1,2}$/

export function fingerprintOf(key: Uint8Array): string {
  return createHash('sha256').update(key).digest('hex').slice(0, FINGERPRINT_CHARS)
}

export function isFingerprint(text: string): boolean {
  return FINGERPRINT_FORM.test(text)
}

export function keyText(key: Uint8Array): string {
  return Buffer.from(key).toString('base64')
}

/** @param bytes 16, 24 or 32 */
export function generateKey(bytes: number): Uint8Array {
  return new Uint8Array(randomBytes(bytes))
}

/** @throws HearsayError `GOSSIP_KEY_INVALID` for what is not base64, of another length, or nothing but zeros */
export function parseKey(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // The decoder passes over what it does not know; only what it gives back unchanged was base64.
  if (!BASE64_FORM.test(text) || bytes.toString('base64') !== text) {
    throw new HearsayError(
      'GOSSIP_KEY_INVALID',
      'a key is base64 text with its padding, of 16, 24 or 32 bytes',
    )
  }
  const [key] = new Keyring([new Uint8Array(bytes)]).keys
  if (key === undefined || key.every((byte) => byte === 0)) {
    throw new HearsayError('GOSSIP_KEY_INVALID', 'a key of nothing but zeros protects nothing')
  }
  return key
}

/**
 * Whether a key stands where something else belongs, so that it is not to be repeated: a whole one, several, or what only
 * looks like one, since a key with a slip in it is none to be printed either. Long paths of letters alone are none.
 */
export function holdsKey(text: string): boolean {
  return text.split(/\s+/).some((word) => PADDED_FORM.test(word) || isUnpaddedKey(word))
}

/** Of 24 bytes, whose base64 has no padding and is told from a path by its mixed letters. */
function isUnpaddedKey(word: string): boolean {
  if (word.length !== 32 || !BASE64_FORM.test(word)) return false
  return /[A-Z]/.test(word) && /[a-z]/.test(word) && (!word.startsWith('/') || /\d/.test(word))
}

/**
 * @param given a fingerprint, or the key itself as base64
 * @throws HearsayError `GOSSIP_KEY_UNKNOWN` when none of the keys is meant, `GOSSIP_KEY_INVALID`
 */
export function findKey(keys: readonly Uint8Array[], given: string): Uint8Array {
  const fingerprint = isFingerprint(given) ? given.toLowerCase() : fingerprintOf(parseKey(given))
  const key = keys.find((one) => fingerprintOf(one) === fingerprint)
  if (key !== undefined) return key
  throw new HearsayError('GOSSIP_KEY_UNKNOWN', `no key of the keyring has the fingerprint ${fingerprint}`)
}
