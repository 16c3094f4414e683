/**
 * Keeps on disk whom this replica has known, so that after a restart it finds its cluster again, however out of date its
 * configuration is.
 *
 * Kept are the configured peers as they were written, the live members, and those lost that are still called on. Who
 * left on purpose is dropped, after a minute: a cluster that is stopped as a whole, one after the other, remembers itself as
 * a whole. A peer that does not come back is dropped when gossip gives it up, after the reconnect timeout (6 h) of one run.
 * Of each is kept whether it is a replica that has not left: those count for write concerns after a restart as before.
 *
 * Numbers: written at the start, 0.3 s after a change, and every 5 s at most; at most 256 peers. What a crash can lose is the last 5 s of
 * comings and goings. A write that fails is reported, and tried again with the next change.
 *
 * A replica that is to move to another cluster must not take this file along (its state is another reason to start
 * with an empty one); the label of the cluster is compared.
 */
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { KnownPeer } from '../gossip/core/reconnect.ts'
import type { Gossip } from '../gossip/io/gossip.ts'
import { writeAtomically } from '../store/atomic-file.ts'
import { storeFolderAt } from '../store/store-folder.ts'
import { formatPeerFile, readPeerFile } from './peer-file.ts'
import type { RoomLog } from './room-log.ts'

const FIRST_WRITE_MS = 300
const WRITE_GAP_MS = 5000
const DEPARTED_MS = 60_000
/** Who is given up is told by nobody. */
const REVIEW_MS = 600_000

export interface KnownPeersOptions {
  /** Omitted: nothing is kept. */
  readonly storagePath?: string
  readonly label: string
  /** Configured peers. None: those of the last start that had some. */
  readonly configured: readonly string[]
  readonly clock: Clock
  readonly log: Pick<RoomLog, 'warn'>
}

/** The part of gossip that knows them. */
export interface PeerSource extends Pick<Gossip, 'members'> {
  lostPeers(): readonly KnownPeer[]
}

export class KnownPeers {
  /** Peers as configured, now or at an earlier start. Always the same list: who looks at it anew sees what has changed. */
  readonly seeds: readonly string[]
  /** Peers of an earlier run, the likeliest to be there first. */
  readonly remembered: readonly KnownPeer[]
  readonly #seeds: string[]
  readonly #path: string | undefined
  readonly #options: KnownPeersOptions
  #source: PeerSource | undefined
  /** By name; with the time of their leave once they are neither members nor looked for. */
  readonly #seen = new Map<string, KnownPeer & { readonly leftAtMs: number | undefined }>()
  #written: string
  #writtenAtMs = Number.NEGATIVE_INFINITY
  #writing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #dueMs = Number.POSITIVE_INFINITY
  #closed = false

  private constructor(
    options: KnownPeersOptions,
    path: string | undefined,
    seeds: readonly string[],
    remembered: readonly KnownPeer[],
  ) {
    this.#options = options
    this.#path = path
    this.#seeds = [...seeds]
    this.seeds = this.#seeds
    this.remembered = remembered
    this.#written = this.#format(remembered)
  }

  /** Reads the file. Never rejects: one that is of no use is reported, and replaced with the first change. */
  static async open(options: KnownPeersOptions): Promise<KnownPeers> {
    const { storagePath, configured, label, log } = options
    if (storagePath === undefined) return new KnownPeers(options, undefined, configured, [])
    const path = storeFolderAt(join(storagePath, 'hearsay')).peersPath
    const file = await readPeerFile(path)
    if (file !== 'absent' && 'reason' in file)
      log.warn('known_peers_unreadable', { path, reason: file.reason })
    const isOurs = file !== 'absent' && 'peers' in file && file.label === label
    const peers = new KnownPeers(
      options,
      path,
      configured.length > 0 || !isOurs ? configured : file.seeds,
      isOurs ? file.peers : [],
    )
    if (!isOurs) peers.#written = ''
    return peers
  }

  /** From here on what gossip knows is kept. Changes are told by `changed`. */
  follow(gossip: PeerSource): void {
    this.#source = gossip
    // The configured peers are enough to come back by, so they are there before anybody has been met.
    this.#write()
    this.#writtenAtMs = Number.NEGATIVE_INFINITY
    this.changed()
  }

  /** @returns those that are new. No peers at all change nothing, as at a start */
  configure(peers: readonly string[]): readonly string[] {
    if (peers.length === 0) return []
    const added = peers.filter((peer) => !this.#seeds.includes(peer))
    this.#seeds.splice(0, this.#seeds.length, ...peers)
    this.changed()
    return added
  }

  /** Members came, went, or were given up. */
  changed(): void {
    this.#writeIn(FIRST_WRITE_MS)
  }

  /** Writes what is still to be written; to be called before others are told that we leave. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closed) this.#write()
    this.#closed = true
    clearTimeout(this.#timer)
    await this.written()
  }

  /** Resolves when the writes begun so far have ended. */
  written(): Promise<void> {
    return this.#writing
  }

  #writeIn(delayMs: number): void {
    if (this.#closed || this.#path === undefined) return
    const nowMs = this.#options.clock.monotonicMs()
    const dueMs = Math.max(nowMs + delayMs, this.#writtenAtMs + WRITE_GAP_MS)
    if (dueMs >= this.#dueMs) return
    clearTimeout(this.#timer)
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => {
      this.#dueMs = Number.POSITIVE_INFINITY
      this.#write()
      this.#writeIn(REVIEW_MS)
    }, dueMs - nowMs)
    this.#timer.unref()
  }

  #write(): void {
    const path = this.#path
    if (path === undefined || this.#source === undefined || this.#closed) return
    const text = this.#format(this.#current(this.#source))
    if (text === this.#written) return
    this.#written = text
    this.#writtenAtMs = this.#options.clock.monotonicMs()
    this.#writing = this.#writing.then(() =>
      writeAtomically(path, text).catch((error: unknown) => {
        this.#written = ''
        this.#options.log.warn('known_peers_not_kept', { path, reason: String(error) })
      }),
    )
  }

  /** Live members, then the lost, then who has just left. */
  #current(source: PeerSource): KnownPeer[] {
    const nowMs = this.#options.clock.monotonicMs()
    const live = source
      .members()
      .filter(({ isSelf, liveness }) => !isSelf && (liveness === 'alive' || liveness === 'suspect'))
    const present = new Map<string, KnownPeer>()
    for (const { name, endpoint, peerClass } of live) {
      present.set(name, { name, endpoint, isReplica: peerClass === 'native' })
    }
    for (const peer of source.lostPeers()) present.set(peer.name, peer)
    for (const [name, { endpoint }] of present) this.#seen.set(name, { name, endpoint, leftAtMs: undefined })
    const departed: KnownPeer[] = []
    for (const [name, seen] of this.#seen) {
      if (present.has(name)) continue
      const leftAtMs = seen.leftAtMs ?? nowMs
      if (nowMs - leftAtMs >= DEPARTED_MS) this.#seen.delete(name)
      else {
        this.#seen.set(name, { ...seen, leftAtMs })
        departed.push(seen)
      }
    }
    if (departed.length > 0) this.#writeIn(DEPARTED_MS)
    return [...present.values(), ...departed]
  }

  #format(peers: readonly KnownPeer[]): string {
    return formatPeerFile({ label: this.#options.label, seeds: this.seeds, peers })
  }
}
