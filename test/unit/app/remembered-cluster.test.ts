/** Replicas that are started again without being told of anybody find their cluster. */
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Replica } from '../../../src/app/replica.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'

interface Start {
  readonly path: string
  readonly name?: string
  readonly peers?: readonly string[]
  readonly listen?: string
}

async function start({ path, name, peers = [], listen = '127.0.0.1:0' }: Start): Promise<Replica> {
  const replica = await Replica.open({
    storagePath: path,
    ...(name === undefined ? {} : { name }),
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 20_000,
    gossip: { listen, peers },
    log: () => pino({ level: 'silent' }),
  })
  onTestFinished(() => replica.close())
  return replica
}

function sees(replica: Replica, other: Replica): boolean {
  const { gossipAddress } = other
  return (
    replica.gossip?.members().some(({ name, liveness }) => name === other.name && liveness === 'alive') ===
      true && gossipAddress !== undefined
  )
}

/** Two that know each other, the second of them closed again. */
async function parted(): Promise<{ readonly stays: Replica; readonly path: string; readonly name: string }> {
  const stays = await start({ path: tempDir() })
  const path = tempDir()
  const goes = await start({ path, peers: [stays.gossipAddress ?? ''] })
  await goes.settle()
  await until(() => sees(stays, goes) && sees(goes, stays))
  await goes.close()
  return { stays, path, name: goes.name }
}

describe('a replica that is started again', () => {
  it('with nobody configured joins whom it knew, and is ready when it has heard them', async () => {
    const { stays, path, name } = await parted()
    await stays.store.kv.put('m', 'k', { contentType: 'text/plain', bytes: Uint8Array.of(1) })
    const again = await start({ path })
    expect(again.readiness()).toEqual({
      ready: false,
      reasons: ['settling: calling 1 configured and 1 remembered peers'],
    })
    await again.settle()
    expect([again.name, again.readiness().ready]).toEqual([name, true])
    expect(sees(again, stays)).toBe(true)
    expect(again.store.kv.get('m', 'k')?.value.bytes).toEqual(Uint8Array.of(1))
    await until(() => sees(stays, again))
  })

  it('alone, because all others are gone for good, is ready after it has called them for a while', async () => {
    const { stays, path } = await parted()
    await stays.close()
    const again = await start({ path })
    expect(again.readiness().ready).toBe(false)
    await again.settle()
    expect(again.readiness()).toEqual({ ready: true, reasons: [] })
    expect(again.gossip?.lostPeers().map(({ name }) => name)).toEqual([stays.name])
  })

  it('with an empty disk is nobody whom anybody knew, and ready at once', async () => {
    await parted()
    const fresh = await start({ path: tempDir() })
    await fresh.settle()
    expect(fresh.gossip?.members().length).toBe(1)
  })
})
