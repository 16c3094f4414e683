import { describe, expect, it } from 'vitest'
import { addressFromText, endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'
import { Joiner } from '../../../../src/gossip/io/joiner.ts'
import { until } from '../../../support/until.ts'

function rig(answers: Readonly<Record<string, readonly string[]>>) {
  const called: string[] = []
  const finish: (() => void)[] = []
  let release = (): void => undefined
  const released = new Promise<readonly string[]>((resolve) => {
    release = () => resolve(['10.0.0.9'])
  })
  const joiner = new Joiner({
    lookup: (host) => (host === 'slow' ? released : Promise.resolve(answers[host] ?? [])),
    lookupService: () => Promise.reject(new Error('no SRV')),
    ownPort: 9094,
    resolveTimeoutMs: 60_000,
    joinsAtOnceMax: 2,
    isOwn: ({ addr }) => addr.join() === addressFromText('10.0.0.1')?.join(),
    exchange: (endpoint) => {
      called.push(endpointToText(endpoint))
      return new Promise((resolve) => finish.push(() => resolve(undefined)))
    },
    unjoined: { note: () => undefined, found: () => undefined },
  })
  return { joiner, called, finish, release: () => release() }
}

describe('joiner', () => {
  it('a name that takes long to look up holds up nobody else', async () => {
    const { joiner, called, finish, release } = rig({})
    const joined = joiner.join(['slow:1', '10.0.0.2:1'])
    await until(() => called.length === 1)
    expect(called).toEqual(['10.0.0.2:1'])
    release()
    await until(() => called.length === 2)
    for (const end of finish) end()
    await expect(joined).resolves.toEqual({ contacted: 2, reached: ['10.0.0.2:1', '10.0.0.9:1'], failed: [] })
  })

  it('a name with many answers is called a few at a time, each peer once and we ourselves never', async () => {
    const many = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']
    const { joiner, called, finish } = rig({ many })
    const joined = joiner.join(['many:1', '10.0.0.2:1', 'nobody:1'])
    await until(() => called.length === 2)
    for (let i = 0; i < 3; i++) {
      await until(() => finish.length > i)
      expect(called.length - i).toBeLessThanOrEqual(2)
      finish[i]?.()
    }
    await expect(joined).resolves.toEqual({
      contacted: 3,
      reached: ['10.0.0.2:1', '10.0.0.3:1', '10.0.0.4:1'],
      failed: [{ address: 'nobody:1', reason: 'no address for nobody', isThere: false }],
    })
    expect(called.toSorted()).toEqual(['10.0.0.2:1', '10.0.0.3:1', '10.0.0.4:1'])
  })
})
