import { expect, it } from 'vitest'
import { gossipPlace } from '../../../src/app/gossip-place.ts'
import { Keyring } from '../../../src/gossip/wire/keyring.ts'
import { keyOf } from '../../support/gossip-keys.ts'

const ring = new Keyring([keyOf(1).bytes])
const NONE = { ring: undefined, verifyIncoming: true, verifyOutgoing: true }
const ALL = { ...NONE, ring }

it.each([
  ['127.0.0.1:0', '127.0.0.1:4711', false, NONE, '127.0.0.1:4711'],
  ['127.0.0.1:9094', '10.0.0.1:9094', true, NONE, '127.0.0.1:9094 (peers dial 10.0.0.1:9094)'],
  ['127.0.0.1:9094', '127.0.0.1:9094', false, ALL, '127.0.0.1:9094 encrypted'],
  [':0', '10.0.0.1:4711', false, ALL, ':4711 (peers dial 10.0.0.1:4711) encrypted'],
  ['10.0.0.1:9094', '10.0.0.1:9094', false, NONE, '10.0.0.1:9094 in plaintext'],
  [
    '10.0.0.1:9094',
    '10.0.0.1:9094',
    false,
    { ...ALL, verifyIncoming: false },
    '10.0.0.1:9094 partly in plaintext',
  ],
])(
  'listening on %s and dialled at %s is told as it is, case %#',
  (listen, dialled, hasOwn, protection, said) => {
    expect(gossipPlace(listen, dialled, hasOwn, protection)).toBe(said)
  },
)
