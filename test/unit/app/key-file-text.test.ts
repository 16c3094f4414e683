import { describe, expect, it } from 'vitest'
import { fingerprintOf, isFingerprint, parseKey } from '../../../src/app/gossip-key.ts'
import { keysOfText, textWithKey, textWithoutKey, textWithPrimary } from '../../../src/app/key-file-text.ts'
import { errorCode } from '../../../src/base/errors.ts'
import { KEYS_MAX } from '../../../src/gossip/wire/keyring.ts'
import { keyOf } from '../../support/gossip-keys.ts'

const [a, b, c] = [keyOf(1), keyOf(2, 24), keyOf(3, 16)]

function caught(run: () => unknown): { readonly code: string | undefined; readonly message: string } {
  try {
    run()
  } catch (error) {
    return { code: errorCode(error), message: error instanceof Error ? error.message : '' }
  }
  throw new Error('nothing was thrown')
}

describe('the text of a key', () => {
  it.each([16, 24, 32])('is base64 of %i bytes', (bytes) => {
    expect(parseKey(keyOf(9, bytes).text)).toEqual(new Uint8Array(bytes).fill(9))
  })

  it.each([
    ['of another length', Buffer.alloc(31, 7).toString('base64')],
    ['empty', ''],
    ['not base64', '!not base64!'],
    ['without its padding', a.text.replace(/=+$/, '')],
    ['of the URL alphabet', Buffer.alloc(32, 0xfb).toString('base64url')],
    ['hexadecimal', '07'.repeat(32)],
    ['of nothing but zeros', Buffer.alloc(32).toString('base64')],
  ])('that is %s is refused, and not repeated', (_name, text) => {
    const { code, message } = caught(() => parseKey(text))
    expect(code).toBe('GOSSIP_KEY_INVALID')
    if (text !== '') expect(message).not.toContain(text)
  })

  it('is shown as the first 8 hex digits of the SHA-256 of its bytes', () => {
    // printf '\1%.0s' $(seq 32) | sha256sum
    expect(fingerprintOf(new Uint8Array(32).fill(1))).toBe('72cd6e84')
    expect(['72cd6e84', '72CD6E84', '72cd6e8', '72cd6e844', 'x2cd6e84'].map(isFingerprint)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('the text of a key file', () => {
  it('is a key a line, the first primary, between blank lines and comments', () => {
    const text = `\uFEFF# ours\n\n${b.text}\r\n  ${a.text}  # of last year\n#${c.text}\n${b.text}`
    expect(keysOfText('k', text)).toEqual([b.bytes, a.bytes])
  })

  it.each([
    ['', 'k holds no key'],
    ['# nothing\n\n', 'k holds no key'],
    [`${a.text}\n\nsecret\n`, 'k line 3: a key is base64'],
    [`${a.text} ${b.text}\n`, 'k line 1: a key is base64'],
    [`${Buffer.alloc(20, 5).toString('base64')}\n`, 'k line 1: a key has 16, 24 or 32 bytes, not 20'],
  ])('%j is refused: %s', (text, said) => {
    const { code, message } = caught(() => keysOfText('k', text))
    expect([code, message.startsWith(said)]).toEqual(['KEY_FILE_MALFORMED', true])
    expect(message).not.toContain('secret')
    expect(message).not.toContain(a.text)
  })

  it(`may hold ${KEYS_MAX} keys and no more`, () => {
    const lines = Array.from({ length: KEYS_MAX + 1 }, (_, i) => `${keyOf(i + 1).text}\n`)
    expect(keysOfText('k', lines.slice(1).join(''))).toHaveLength(KEYS_MAX)
    expect(caught(() => keysOfText('k', lines.join('')))).toMatchObject({
      code: 'KEY_FILE_MALFORMED',
      message: expect.stringContaining(`at most ${KEYS_MAX} keys`),
    })
  })
})

describe('a change of the text', () => {
  const text = `# ours\n${a.text} # old\n\n${b.text}`

  it('adds at the end, on a line of its own', () => {
    expect(textWithKey(text, c.bytes)).toBe(`${text}\n${c.text}\n`)
    expect(textWithKey(`${text}\n`, c.bytes)).toBe(`${text}\n${c.text}\n`)
  })

  it('moves the line of the new primary before the other keys, and leaves the rest', () => {
    expect(textWithPrimary('k', text, b.bytes)).toBe(`# ours\n${b.text}\n${a.text} # old\n\n`)
    const doubled = `${a.text}\n${b.text} # one\n${b.text}\n`
    expect(textWithPrimary('k', doubled, b.bytes)).toBe(`${b.text} # one\n${a.text}\n`)
  })

  it('removes every line of a key, with the comment on it', () => {
    expect(textWithoutKey('k', `${b.text}\n${text}\n${a.text}`, a.bytes)).toBe(
      `${b.text}\n# ours\n\n${b.text}\n`,
    )
  })
})
