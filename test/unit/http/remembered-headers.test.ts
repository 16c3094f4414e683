import { describe, expect, it } from 'vitest'
import { formatEtag, isNotModified, parseEtagList } from '../../../src/http/etag.ts'
import { httpDate } from '../../../src/http/http-date.ts'
import { servedType } from '../../../src/http/served-type.ts'

describe('entity tags', () => {
  it('a version is quoted and read back', () => {
    expect(formatEtag('0.1.2.ab')).toBe('"0.1.2.ab"')
    expect(parseEtagList(formatEtag('0.1.2.ab'))).toEqual([{ value: '0.1.2.ab', weak: false }])
  })

  it('lists keep order and weakness, with any spacing', () => {
    expect(parseEtagList(' "a" ,W/"b","" ')).toEqual([
      { value: 'a', weak: false },
      { value: 'b', weak: true },
      { value: '', weak: false },
    ])
    expect(parseEtagList(' * ')).toBe('*')
  })

  it.each(['', 'a', '"a', 'a"', '"a" "b"', '"a",', '*, "a"', '"a"b', 'w/"a"', '"a b"'])(
    '%j is no list of tags',
    (header) => {
      expect(parseEtagList(header)).toBeUndefined()
      expect(isNotModified(header, 'a')).toBe(false)
    },
  )

  it('at most 64 tags of a list are compared', () => {
    const header = Array.from({ length: 65 }, (_, i) => `"${i}"`).join(',')
    expect(isNotModified(header, '63')).toBe(true)
    expect(isNotModified(header, '64')).toBe(false)
  })

  it('a hostile list of 16 kB is read in a few milliseconds', () => {
    const startMs = performance.now()
    expect(parseEtagList(`${'"a" , '.repeat(2700)}x`)).toBeUndefined()
    expect(parseEtagList(`${' '.repeat(16_000)}x`)).toBeUndefined()
    expect(performance.now() - startMs).toBeLessThan(200)
  })
})

describe('dates and types', () => {
  it('dates are those of the second, also after more than can be remembered', () => {
    for (let i = 0; i < 3000; i++) httpDate(i * 1000)
    expect(httpDate(999)).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
    expect(httpDate(1000)).toBe('Thu, 01 Jan 1970 00:00:01 GMT')
    expect(httpDate(Number.MAX_SAFE_INTEGER)).toBe('Thu, 01 Jan 1970 00:00:00 GMT')
  })

  it('types are remembered without being mixed up, also after more than can be remembered', () => {
    for (let i = 0; i < 600; i++)
      expect(servedType(`a/b${i}`)).toEqual({ contentType: `a/b${i}`, needsSandbox: true })
    expect(servedType('application/json; charset=utf-8').needsSandbox).toBe(false)
    expect(servedType('application/json-seq').needsSandbox).toBe(true)
    expect(servedType('a/b\r\nx: y')).toEqual({ contentType: 'application/octet-stream', needsSandbox: true })
  })
})
