import { describe, expect, it } from 'vitest'
import { checkVersions } from '../../../../src/gossip/core/version-check.ts'

const OWN = Uint8Array.of(1, 5, 2, 0, 5, 3)

describe('versions', () => {
  it.each([
    ['our own', [1, 5, 2, 0, 5, 3], 'fits'],
    ['another current protocol within both ranges', [1, 5, 5, 0, 5, 3], 'fits'],
    ['an older range that holds our current protocol', [1, 2, 1, 0, 5, 3], 'fits'],
    ['a current protocol above our maximum', [1, 6, 6, 0, 5, 3], 'incompatible'],
    ['a range that starts above our current protocol', [3, 5, 3, 0, 5, 3], 'incompatible'],
    ['a current delegate version above our maximum', [1, 5, 2, 0, 9, 7], 'incompatible'],
    ['a delegate range that ends below our current one', [1, 5, 2, 0, 2, 1], 'incompatible'],
    ['no minimum', [0, 5, 2, 0, 5, 3], 'malformed'],
    ['no maximum', [1, 0, 2, 0, 5, 3], 'malformed'],
    ['a minimum above the maximum', [4, 3, 2, 0, 5, 3], 'malformed'],
    ['five bytes', [1, 5, 2, 0, 5], 'malformed'],
    ['seven bytes', [1, 5, 2, 0, 5, 3, 0], 'malformed'],
  ])('with %s', (_name, theirs, verdict) => {
    expect(checkVersions(OWN, Uint8Array.from(theirs))).toBe(verdict)
  })
})
