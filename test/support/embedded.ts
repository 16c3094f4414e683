/** Opens library replicas that are closed when the test that asked for them is over. */
import { onTestFinished } from 'vitest'
import { type EmbeddedReplica, type OpenReplicaOptions, openReplica } from '../../src/index.ts'
import { until } from './until.ts'

export const ANY_PORT = { listen: '127.0.0.1:0' } as const

export async function openEmbedded(options: OpenReplicaOptions = {}): Promise<EmbeddedReplica> {
  const replica = await openReplica(options)
  onTestFinished(() => replica.close())
  return replica
}

/** Replicas of one cluster in this process, in memory, once all of them know all. */
export async function openCluster<N extends readonly string[]>(
  ...names: N
): Promise<{ [I in keyof N]: EmbeddedReplica }> {
  const replicas: EmbeddedReplica[] = []
  for (const name of names) {
    const peers = replicas.map(({ gossipAddress }) => gossipAddress ?? '')
    replicas.push(await openEmbedded({ name, gossip: { ...ANY_PORT, peers } }))
  }
  await until(() => replicas.every((replica) => alive(replica).length === names.length))
  await Promise.all(replicas.map((replica) => replica.ready()))
  return replicas as { [I in keyof N]: EmbeddedReplica }
}

export function alive(replica: EmbeddedReplica): readonly string[] {
  return replica.members().flatMap(({ name, liveness }) => (liveness === 'alive' ? [name] : []))
}
