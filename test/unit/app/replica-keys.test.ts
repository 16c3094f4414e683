import { describe, expect, it } from 'vitest'
import { errorCode } from '../../../src/base/errors.ts'
import { ANY_PORT, openEmbedded } from '../../support/embedded.ts'
import { keyOf } from '../../support/gossip-keys.ts'

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
