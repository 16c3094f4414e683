/**
 * Opens a durable store: folder, actor file, database, recovery, and the parts wired together. With no path the store
 * is in memory only, under a new actor, and otherwise the same.
 */

import type { Clock } from '../base/clock.ts'
import { HearsayError } from '../base/errors.ts'
import { type ActorId, actorId } from '../base/names.ts'
import { writeActorFile } from './actor-file.ts'
import { ActorKeeper } from './actor-keeper.ts'
import type { ActorRecord } from './core/actor-record.ts'
import { SILENT_LOG, type StoreLog } from './core/store-log.ts'
import { DurableStore } from './durable-store.ts'
import { LevelStorage } from './level-storage.ts'
import { MemoryStorage } from './memory-storage.ts'
import { openDatabase } from './open-database.ts'
import { RecordStorage } from './record-storage.ts'
import type { StateStore } from './state-store.ts'
import type { Storage } from './storage.ts'
import { prepareStoreFolder } from './store-folder.ts'
import { DEFAULT_STORE_LIMITS, type StoreLimits } from './store-limits.ts'

export interface OpenStoreOptions {
  /** The storage path; the store lives in its subfolder `hearsay`. Omitted: memory only. */
  readonly path?: string
  readonly limits?: Partial<StoreLimits>
  readonly clock: Clock
  /** Cryptographically random bytes, for actor ids. */
  readonly randomBytes: (length: number) => Uint8Array
  readonly maxClockSkewMs?: number
  /**
   * Whether there are peers to take the state from: then a damaged database is set aside instead of refused, and a store
   * that has lost something says `awaitingPeers` until it has heard from one. Default false.
   */
  readonly hasPeers?: boolean
  /** Why this replica may not write just now (its clock is off, ...); asked at each local write, never at a join. */
  readonly refusal?: () => HearsayError | undefined
  readonly log?: StoreLog
  /** Another engine for the pairs, at the path's database directory if there is a path. Default LevelDB. */
  readonly storage?: (databasePath: string | undefined) => Storage
}

const ACTOR_BYTES = 16
const BOOT_BYTES = 8

/**
 * @throws HearsayError `STORE_NOT_OURS`, `STORE_DAMAGED`, `STORE_LOCKED`, `STORE_UNREADABLE`, `STORE_FORMAT_NEWER`,
 *   `STORE_DISK_FULL`, `STORE_WRITE_FAILED`; nothing is left open then
 */
export async function openStore(options: OpenStoreOptions): Promise<StateStore> {
  const folder = options.path === undefined ? undefined : await prepareStoreFolder(options.path)
  const databasePath = folder?.databasePath
  const disk = new RecordStorage(storageFor(options, databasePath), databasePath ?? 'memory')
  const mint = (): ActorId => mintActor(options.randomBytes)
  const log = options.log ?? SILENT_LOG
  const state = options.maxClockSkewMs === undefined ? {} : { maxClockSkewMs: options.maxClockSkewMs }
  const hasPeers = options.hasPeers ?? false
  const recovered = await openDatabase({
    folder,
    disk,
    mint,
    state,
    log,
    hasPeers,
    wallMs: options.clock.wallMs(),
  })
  try {
    const save =
      folder === undefined
        ? undefined
        : (record: ActorRecord): Promise<void> => writeActorFile(folder.actorPath, record)
    const keeper = new ActorKeeper({ record: recovered.record, save })
    // Now, so that a new identity is on disk before anything else is, and the first write need not wait for it.
    await keeper.ready()
    await recovered.settle()
    // The clock on disk is as old as the last batch, and that may be lost.
    if (keeper.stampBoundMs > 0) recovered.state.tick(keeper.stampBoundMs + 1)
    return new DurableStore({
      disk,
      state: recovered.state,
      keeper,
      damagedRecords: recovered.damagedRecords,
      damagedCopies: recovered.damagedCopies,
      wait: recovered.wait,
      limits: { ...DEFAULT_STORE_LIMITS, ...options.limits },
      clock: options.clock,
      mint,
      boot: randomHex(options.randomBytes, BOOT_BYTES),
      ...(options.refusal === undefined ? {} : { refusal: options.refusal }),
      log,
    })
  } catch (error) {
    await disk.close().catch(() => undefined)
    throw error
  }
}

function storageFor(options: OpenStoreOptions, databasePath: string | undefined): Storage {
  if (options.storage !== undefined) return options.storage(databasePath)
  return databasePath === undefined ? new MemoryStorage({ keeps: false }) : new LevelStorage(databasePath)
}

function mintActor(randomBytes: OpenStoreOptions['randomBytes']): ActorId {
  return actorId(randomHex(randomBytes, ACTOR_BYTES))
}

function randomHex(randomBytes: OpenStoreOptions['randomBytes'], length: number): string {
  const bytes = randomBytes(length)
  if (bytes.length !== length) {
    throw new HearsayError('ACTOR_ID_MALFORMED', `asked for ${length} random bytes, got ${bytes.length}`)
  }
  return Buffer.from(bytes).toString('hex')
}
