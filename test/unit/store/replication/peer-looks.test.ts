import { expect, it } from 'vitest'
import { PeerLooks } from '../../../../src/store/replication/peer-looks.ts'

it('a look says since when its answer has been the same without a break, and goes with the peer', () => {
  const looks = new PeerLooks()
  expect(looks.last('b')).toBeUndefined()
  looks.saw('b', true, 1000)
  looks.saw('b', false, 2000)
  looks.saw('b', false, 3000)
  expect(looks.last('b')).toEqual({ same: false, sinceMs: 2000 })
  looks.saw('b', true, 4000)
  looks.saw('b', false, 5000)
  expect(looks.last('b')).toEqual({ same: false, sinceMs: 5000 })
  looks.forget('b')
  expect(looks.last('b')).toBeUndefined()
})
