import { expect, it } from 'vitest'
import { statusLines, versionSkew } from '../../../src/cli/status.ts'

it('a status is printed whole: what is within, and lists of things with several parts', () => {
  const status = {
    ready: true,
    reasons: [],
    store: {
      parked: 3,
      parkedActors: [
        { actor: 'a1', count: 2 },
        { actor: 'b2', count: 1 },
      ],
    },
  }
  expect(statusLines(status, '')).toEqual([
    'ready: true',
    'reasons: none',
    'store:',
    '  parked: 3',
    '  parkedActors: actor=a1 count=2, actor=b2 count=1',
  ])
})

it.each([
  ['0.1.0', { version: '0.1.9' }, false],
  ['0.1.0', { version: '0.2.0' }, true],
  ['1.0.0', { version: '0.1.0' }, true],
  ['0.1.0', {}, false],
  ['0.1.0', null, false],
])('a program %s and a replica that says %j: warned %s', (own, status, warned) => {
  expect(versionSkew(own, status) !== undefined).toBe(warned)
})
