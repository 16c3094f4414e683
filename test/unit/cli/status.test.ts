import { expect, it } from 'vitest'
import { statusLines } from '../../../src/cli/status.ts'

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
