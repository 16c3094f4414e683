import { describe, expect, it } from 'vitest'
import { assert, InvariantError } from '../../../src/base/assert.ts'
import { errorCode, HearsayError } from '../../../src/base/errors.ts'
import { actorId } from '../../../src/base/names.ts'

describe('errors', () => {
  it('carry a code and keep their cause', () => {
    const cause = new Error('underneath')
    const error = new HearsayError('AREA_REASON', 'words', { cause })
    expect(errorCode(error)).toBe('AREA_REASON')
    expect(error.cause).toBe(cause)
  })

  it('without a text code have none', () => {
    for (const thrown of [null, undefined, 'text', 5, new Error('plain'), { code: 7 }]) {
      expect(errorCode(thrown)).toBeUndefined()
    }
  })

  it('of a broken rule are not ours to catch by code', () => {
    expect(() => assert(1 + 1 === 3, 'sums add up')).toThrow(InvariantError)
    expect(() => assert(1 + 1 === 2, 'sums add up')).not.toThrow()
  })
})

describe('actor ids', () => {
  it('are 32 lower-case hex digits and nothing else', () => {
    expect(actorId('0123456789abcdef0123456789abcdef')).toBe('0123456789abcdef0123456789abcdef')
    for (const text of ['', 'abc', '0123456789ABCDEF0123456789abcdef', `${'0'.repeat(32)}\n`]) {
      expect(() => actorId(text)).toThrow(expect.objectContaining({ code: 'ACTOR_ID_MALFORMED' }))
    }
  })
})
