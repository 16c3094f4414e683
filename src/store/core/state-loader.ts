/** Rebuilds a ReplicaState from the records on disk, in whatever order they come. */
import { ReplicaState, type ReplicaStateOptions } from './replica-state.ts'

export interface LoadedState {
  readonly state: ReplicaState
  /** Records left out. Above 0 the caller must mint a new actor: see finish(). */
  readonly damagedRecords: number
}

export class StateLoader {
  constructor(_options: ReplicaStateOptions = {}) {
    throw new Error('being written')
  }

  /** One stored record whose checksum was right. One that cannot be read counts as damaged. */
  record(_key: Uint8Array, _value: Uint8Array): void {
    throw new Error('being written')
  }

  /** One stored record whose checksum was wrong. */
  damaged(): void {
    throw new Error('being written')
  }

  /** @throws HearsayError `STORE_FORMAT_UNSUPPORTED` when the disk was written by a newer version */
  finish(): LoadedState {
    return { state: new ReplicaState(), damagedRecords: 0 }
  }
}

export function loadState(
  _pairs: Iterable<readonly [key: Uint8Array, value: Uint8Array]>,
  _options: ReplicaStateOptions = {},
): LoadedState {
  throw new Error('being written')
}
