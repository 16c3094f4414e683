import { expect, it } from 'vitest'
import { devEnvironment } from '../../../src/cli/dev-environment.ts'

it('replicas of dev inherit all but what dev says itself', () => {
  const kept = {
    PATH: '/bin',
    HEARSAY_LIMITS_KEY_BYTES: '9',
    HEARSAY_CLUSTER_LABEL: 'blue',
    HEARSAY_WEB_CONFIG_FILE: '',
  }
  const own = {
    HEARSAY_STORAGE_PATH: 'x',
    HEARSAY_WEB_LISTEN_ADDRESS: 'x',
    HEARSAY_CLUSTER_LISTEN_ADDRESS: '',
    HEARSAY_CLUSTER_PEER: 'x',
    HEARSAY_CLUSTER_PEER_NAME: 'x',
    HEARSAY_LOG_LEVEL: 'debug',
  }
  expect(devEnvironment({ ...kept, ...own })).toEqual(kept)
})

it.each([
  'HEARSAY_CONFIG_FILE',
  'HEARSAY_WEB_CONFIG_FILE',
  'HEARSAY_WEB_ROUTE_PREFIX',
  'HEARSAY_WEB_EXTERNAL_URL',
  'HEARSAY_CLUSTER_ADVERTISE_ADDRESS',
])('%s is refused before anything starts, with what to do', (name) => {
  expect(() => devEnvironment({ [name]: 'x' })).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringContaining(`unset ${name}`) }),
  )
})
