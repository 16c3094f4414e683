/** Names that programs trip over, from replica to replica: by gossip, and by the exchange with one that joins later. */
import { afterEach, expect, it } from 'vitest'
import type { EmbeddedReplica } from '../../../src/app/embedded-replica.ts'
import { openReplica } from '../../../src/app/open-replica.ts'
import { ODD_KEYS } from '../../support/odd-keys.ts'
import { until } from '../../support/until.ts'

const running: EmbeddedReplica[] = []
const NAMES = [...ODD_KEYS, '', '.', '..']

afterEach(async () => {
  await Promise.all(running.splice(0).map((replica) => replica.close()))
})

async function open(...peers: readonly EmbeddedReplica[]): Promise<EmbeddedReplica> {
  const gossip = { listen: '127.0.0.1:0', peers: peers.map((peer) => peer.gossipAddress ?? '') }
  const replica = await openReplica({ gossip })
  running.push(replica)
  return replica
}

function namesAt(replica: EmbeddedReplica): readonly (readonly string[])[] {
  return NAMES.map((name) => [
    ...[...replica.map<string>(name).entries()].flat(),
    ...replica.set(name).members(),
  ])
}

it('a key that is no text is refused, not made into one', async () => {
  const replica = await open()
  const five = JSON.parse('5')
  await expect(replica.map('m').set(five, 1)).rejects.toMatchObject({ code: 'STORE_KEY_MALFORMED' })
  await expect(replica.set(five).add('a')).rejects.toMatchObject({ code: 'STORE_KEY_MALFORMED' })
  await expect(replica.map('m').set('k', 1, { ttl: five })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})

it('odd names reach the other replicas as they are, one by one, and go again', async () => {
  const a = await open()
  const b = await open(a)
  await until(() => a.members().length === 2 && b.members().length === 2)
  for (const name of NAMES) {
    await a.map<string>(name).set(name, name)
    await b.set(name).add(name)
  }
  const expected = NAMES.map((name) => [name, name, name])
  for (const replica of [a, b]) {
    await until(() => JSON.stringify(namesAt(replica)) === JSON.stringify(expected))
    expect(namesAt(replica)).toEqual(expected)
  }
  const late = await open(b)
  await until(() => JSON.stringify(namesAt(late)) === JSON.stringify(expected))
  for (const name of NAMES) {
    await late.map<string>(name).delete(name)
    await late.set(name).remove(name)
  }
  for (const replica of [a, b]) await until(() => namesAt(replica).every((found) => found.length === 0))
  expect(namesAt(late).flat()).toEqual([])
})
