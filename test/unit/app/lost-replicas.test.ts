/** Replicas that are lost count for write concerns until they leave, are back, replaced or forgotten. Real sockets. */
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Replica } from '../../../src/app/replica.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'

/** Dead within half a second, off the list of members as long after. */
const QUICK = {
  probeIntervalMs: 100,
  probeTimeoutMs: 50,
  suspicionMult: 1,
  gossipIntervalMs: 20,
  gossipToTheDeadMs: 200,
}

interface Start {
  readonly name: string
  readonly peers?: readonly Replica[]
  readonly path?: string
  readonly listen?: string
  readonly timeoutMs?: number
}

async function start({ name, peers = [], path, listen, timeoutMs }: Start): Promise<Replica> {
  const replica = await Replica.open({
    name,
    ...(path === undefined ? {} : { storagePath: path }),
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 1000,
    gossip: {
      listen: listen ?? '127.0.0.1:0',
      peers: peers.map(({ gossipAddress }) => gossipAddress ?? ''),
      config: QUICK,
      reconnectIntervalMs: 100,
      ...(timeoutMs === undefined ? {} : { reconnectTimeoutMs: timeoutMs }),
    },
    log: () => pino({ level: 'silent' }),
  })
  onTestFinished(() => replica.close())
  void replica.settle()
  return replica
}

function listed(replica: Replica): number {
  return replica.gossip?.members().length ?? 0
}

/** Three that know each other. */
async function trio(first: Partial<Start> = {}): Promise<readonly [Replica, Replica, Replica]> {
  const a = await start({ name: 'a', ...first })
  const [b, c] = [await start({ name: 'b', peers: [a] }), await start({ name: 'c', peers: [a] })]
  await until(() => [a, b, c].every((replica) => listed(replica) === 3))
  return [a, b, c]
}

/** Without a word, as a killed process; resolves when `a` no longer lists them. */
async function kill(a: Replica, ...others: readonly Replica[]): Promise<void> {
  const before = listed(a)
  await Promise.all(others.map(({ gossip }) => gossip?.stop()))
  await until(() => listed(a) === before - others.length)
}

function refused(replica: Replica, text: string): void {
  expect(() => replica.acks.plan('majority')).toThrow(`ack=majority needs ${text} can be reached`)
  expect(() => replica.acks.plan('all')).toThrow(expect.objectContaining({ code: 'ACK_UNREACHABLE' }))
}

describe('the last of three replicas', () => {
  it('is no majority after the killed ones are off the list, nor after a restart', async () => {
    const path = tempDir()
    const [a, b, c] = await trio({ path })
    await kill(a, b, c)
    refused(a, '2 of 3 replicas; 1')
    await a.close()
    const again = await start({ name: 'a', path })
    refused(again, '2 of 3 replicas; 1')
    await again.settle()
    expect(again.readiness().ready).toBe(true)
    refused(again, '2 of 3 replicas; 1')
    await again.close()
    const forgetful = await start({ name: 'a', path, timeoutMs: 0 })
    await until(() => forgetful.gossip?.lostPeers().length === 0)
    expect(forgetful.acks.plan('all').needed).toBe(1)
  })

  it('is one of two again when one is back under its name, wherever, or under another one at the old address', async () => {
    const [a, b, c] = await trio()
    const { gossipAddress = '' } = c
    await kill(a, b, c)
    await start({ name: 'b', peers: [a] })
    await until(() => listed(a) === 2)
    expect(a.acks.plan('majority').needed).toBe(2)
    expect(() => a.acks.plan('all')).toThrow('needs 3 of 3 replicas; 2')
    await start({ name: 'new', peers: [a], listen: gossipAddress })
    await until(() => listed(a) === 3)
    expect(a.acks.plan('all').needed).toBe(3)
  })

  it('is all there is when the others have left on purpose', async () => {
    const [a, b, c] = await trio()
    await b.close()
    await c.close()
    await until(
      () => a.gossip?.members().every(({ isSelf, liveness }) => isSelf || liveness === 'left') === true,
    )
    expect([a.acks.plan('majority').needed, a.acks.plan('all').needed]).toEqual([1, 1])
  })

  it('is all there is when the others have been lost for the reconnect timeout', async () => {
    const [a, b, c] = await trio({ timeoutMs: 1000 })
    await kill(a, b, c)
    refused(a, '2 of 3 replicas; 1')
    await until(() => a.gossip?.lostPeers().length === 0)
    expect([a.acks.plan('majority').needed, a.acks.plan('all').needed]).toEqual([1, 1])
  })
})
