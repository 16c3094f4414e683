/**
 * The public surface of the library. `hearsay/testing` has the simulator.
 */
export type { EmbeddedReplica, OpenReplicaOptions } from './app/open-replica.ts'
export { openReplica } from './app/open-replica.ts'
export type { ReplicaMap, SetOptions } from './app/replica-map.ts'
export type { ReplicaSet } from './app/replica-set.ts'
export { errorCode, HearsayError } from './base/errors.ts'
export type { Member } from './gossip/core/delegate.ts'
export type { JoinResult } from './gossip/io/gossip.ts'
