import { describe, expect, it } from 'vitest'
import { errorCode } from '../../../src/base/errors.ts'
import { ANY_PORT, alive, openEmbedded } from '../../support/embedded.ts'
import { keyOf } from '../../support/gossip-keys.ts'
import { until } from '../../support/until.ts'

const [a, b, c] = [keyOf(1), keyOf(2, 24), keyOf(3, 16)]

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    return errorCode(error)
  }
  return undefined
}

describe('the keys of an embedded replica', () => {
  it('are shown by fingerprint, and rotated while it runs', async () => {
    const { keys } = await openEmbedded({ gossip: ANY_PORT, keys: [a.text, b.text] })
    const [shownA, shownB] = [
      { fingerprint: a.fingerprint, bytes: 32 },
      { fingerprint: b.fingerprint, bytes: 24 },
    ]
    expect(keys.list()).toEqual([
      { ...shownA, primary: true },
      { ...shownB, primary: false },
    ])
    expect([keys.add(c.text), keys.add(c.text), keys.list().length]).toEqual([true, false, 3])
    keys.use(b.fingerprint)
    keys.remove(a.text)
    keys.remove(c.fingerprint)
    expect(keys.list()).toEqual([{ ...shownB, primary: true }])
  })

  it.each<[string, (keys: Awaited<ReturnType<typeof openEmbedded>>['keys']) => unknown]>([
    ['GOSSIP_KEY_PRIMARY', (keys) => keys.remove(a.text)],
    ['GOSSIP_KEY_UNKNOWN', (keys) => keys.use(b.fingerprint)],
    ['GOSSIP_KEY_UNKNOWN', (keys) => keys.remove(b.text)],
    ['GOSSIP_KEY_INVALID', (keys) => keys.add('secret')],
  ])('are as they were after %s', async (code, change) => {
    const { keys } = await openEmbedded({ gossip: ANY_PORT, keys: [a.text] })
    expect(codeOf(() => change(keys))).toBe(code)
    expect(keys.list()).toEqual([{ fingerprint: a.fingerprint, bytes: 32, primary: true }])
  })

  it('are none of one that was opened without, and cannot become any', async () => {
    const { keys } = await openEmbedded({ gossip: ANY_PORT })
    expect(keys.list()).toEqual([])
    for (const change of [() => keys.add(a.text), () => keys.use(a.text), () => keys.remove(a.text)]) {
      expect(codeOf(change)).toBe('GOSSIP_NOT_ENCRYPTED')
    }
  })

  it('are shown over its HTTP, which does not change them: they are the program’s', async () => {
    const replica = await openEmbedded({ gossip: ANY_PORT, keys: [a.text], http: { listen: '127.0.0.1:0' } })
    const url = `${replica.url}/api/v1/cluster/keys`
    expect(await (await fetch(url)).json()).toEqual({
      keys: [{ fingerprint: a.fingerprint, bytes: 32, primary: true }],
      verifyIncoming: true,
      verifyOutgoing: true,
    })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ key: b.text }) })
    expect([answer.status, await answer.json()]).toEqual([
      404,
      expect.objectContaining({ code: 'KEY_FILE_NONE' }),
    ])
  })
})

describe('replicas with keys', () => {
  it('know each other, and nobody who has another key or none', async () => {
    const one = await openEmbedded({ name: 'one', gossip: ANY_PORT, keys: [a.text] })
    const peers = [one.gossipAddress ?? '']
    const two = await openEmbedded({ name: 'two', gossip: { ...ANY_PORT, peers }, keys: [b.text, a.text] })
    two.keys.use(a.fingerprint)
    await until(() => alive(one).length === 2 && alive(two).length === 2)
    for (const keys of [undefined, [c.text]]) {
      const stranger = await openEmbedded({
        name: 'stranger',
        gossip: ANY_PORT,
        ...(keys === undefined ? {} : { keys }),
      })
      expect((await stranger.join(peers)).contacted).toBe(0)
      expect((await one.join([stranger.gossipAddress ?? ''])).contacted).toBe(0)
      expect([alive(stranger), alive(one).toSorted()]).toEqual([['stranger'], ['one', 'two']])
    }
  })

  it('take part in a plaintext cluster while that is moved to encryption', async () => {
    const plain = await openEmbedded({ name: 'plain', gossip: ANY_PORT })
    const peers = [plain.gossipAddress ?? '']
    const both = { verifyIncoming: false, verifyOutgoing: false }
    const gossip = { ...ANY_PORT, peers, ...both }
    const moving = await openEmbedded({ name: 'moving', gossip, keys: [a.text] })
    await until(() => alive(plain).length === 2 && alive(moving).length === 2)
    // The next step of another one: it encrypts already, which the plaintext member alone cannot read.
    const ahead = await openEmbedded({
      name: 'ahead',
      gossip: { ...ANY_PORT, peers: [moving.gossipAddress ?? ''], verifyIncoming: false },
      keys: [a.text],
    })
    await until(() => alive(moving).includes('ahead') && alive(ahead).includes('moving'))
    expect((await ahead.join(peers)).contacted).toBe(0)
  })

  it('exchange their key while they run', async () => {
    const one = await openEmbedded({ name: 'one', gossip: ANY_PORT, keys: [a.text] })
    const peers = [one.gossipAddress ?? '']
    const two = await openEmbedded({ name: 'two', gossip: { ...ANY_PORT, peers }, keys: [a.text] })
    await until(() => alive(one).length === 2 && alive(two).length === 2)
    const written = two.map<number>('m')
    for (const [i, step] of (['add', 'use', 'remove'] as const).entries()) {
      for (const { keys } of [one, two]) keys[step](step === 'remove' ? a.text : b.text)
      await one.map<number>('m').set(step, i, { ack: 'all' })
      expect(written.get(step)).toBe(i)
    }
  })

  it('of other networks than those allowed are not admitted', async () => {
    const allowedNetworks = ['10.0.0.0/8', '127.0.0.1/32']
    const one = await openEmbedded({ name: 'one', gossip: { ...ANY_PORT, allowedNetworks } })
    const peers = [one.gossipAddress ?? '']
    const near = await openEmbedded({ name: 'near', gossip: { ...ANY_PORT, peers } })
    await until(() => alive(one).includes('near') && alive(near).includes('one'))
    const far = await openEmbedded({ name: 'far', gossip: { ...ANY_PORT, advertise: '192.0.2.7', peers } })
    await until(() => alive(far).includes('one'))
    // An answer comes before what was asked with is merged, so only the second one tells that the first one was.
    expect([(await far.join(peers)).contacted, (await far.join(peers)).contacted]).toEqual([1, 1])
    expect(alive(one).toSorted()).toEqual(['near', 'one'])
  })
})
