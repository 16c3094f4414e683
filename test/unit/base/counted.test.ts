import { describe, expect, it } from 'vitest'
import { counted } from '../../../src/base/counted.ts'

describe('how many of something', () => {
  it('is one in the singular and all else in the plural', () => {
    expect([0, 1, 2].map((count) => counted(count, 'key'))).toEqual(['0 keys', '1 key', '2 keys'])
    expect(counted(2, 'entry', 'entries')).toBe('2 entries')
  })
})
