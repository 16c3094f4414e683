/** What a replica knows of itself from an earlier run: its name, and whom it has met. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { readActorFile } from '../store/actor-file.ts'
import type { StateStore } from '../store/state-store.ts'
import { storeFolderAt } from '../store/store-folder.ts'
import { KnownPeers } from './known-peers.ts'
import type { ReplicaOptions } from './replica-options.ts'
import { roomLog } from './room-log.ts'

const NAMELESS = 'new'

/** The given name, else the one of before, else one that is made and kept; it sorts last. */
export async function ownName(store: StateStore, given: string | undefined): Promise<string> {
  const name = given ?? store.identity.name ?? `zz-${randomBytes(6).toString('hex')}`
  if (given === undefined && store.identity.name === undefined) await store.identity.remember({ name })
  return name
}

/**
 * What log lines are marked with before the store is open: as `ownName`, but `new` where no name has been made yet. Never
 * rejects: what is wrong with the file is told by the store, which reads it again.
 *
 * @param storagePath undefined in memory
 */
export async function nameSoFar(given: string | undefined, storagePath: string | undefined): Promise<string> {
  if (given !== undefined) return given
  if (storagePath === undefined) return NAMELESS
  const { actorPath } = storeFolderAt(join(storagePath, 'hearsay'))
  const reading = await readActorFile(actorPath).catch(() => undefined)
  return (reading?.kind === 'intact' ? reading.record.name : undefined) ?? NAMELESS
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
