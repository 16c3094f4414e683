/** What a replica knows of itself from an earlier run: its name, and whom it has met. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { StateStore } from '../store/state-store.ts'
import { KnownPeers } from './known-peers.ts'
import type { ReplicaOptions } from './replica-options.ts'
import { roomLog } from './room-log.ts'

/** The given name, else the one of before, else one that is made and kept; it sorts last. */
export async function ownName(store: StateStore, given: string | undefined): Promise<string> {
  const name = given ?? store.identity.name ?? `zz-${randomBytes(6).toString('hex')}`
  if (given === undefined && store.identity.name === undefined) await store.identity.remember({ name })
  return name
}

/** Never rejects: see KnownPeers. */
export function openKnownPeers(options: ReplicaOptions, name: string, clock: Clock): Promise<KnownPeers> {
  const { storagePath, gossip } = options
  return KnownPeers.open({
    ...(storagePath === undefined || gossip === undefined ? {} : { storagePath }),
    label: gossip?.label ?? '',
    configured: gossip?.peers ?? [],
    clock,
    log: roomLog(options.log(name), 'app'),
  })
}
