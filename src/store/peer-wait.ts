/**
 * Waiting for peers: a replica that has lost something, and has peers to ask, is not ready before it has heard from one
 * of them. What it holds may be old (a repaired database) or nothing (one set aside).
 *
 * Kept in a file beside the database, because a restart does not bring back what was lost. A start without configured
 * peers takes the file away: then there is nobody to wait for.
 */
import { promises as fs } from 'node:fs'
import { syncDirectory, writeAtomically } from './atomic-file.ts'
import { unreadable } from './level-directory.ts'
import type { StoreFolder } from './store-folder.ts'

export class PeerWait {
  readonly #folder: StoreFolder | undefined
  #reason: string | undefined

  private constructor(folder: StoreFolder | undefined, reason: string | undefined) {
    this.#folder = folder
    this.#reason = reason
  }

  /** A replica without a disk has nothing to lose. */
  static none(): PeerWait {
    return new PeerWait(undefined, undefined)
  }

  /**
   * @param loss what this start has lost, if anything
   * @throws HearsayError `STORE_UNREADABLE`
   */
  static async begin(folder: StoreFolder, hasPeers: boolean, loss: string | undefined): Promise<PeerWait> {
    try {
      if (hasPeers && loss !== undefined) await writeAtomically(folder.awaitingPath, `${loss}\n`)
      if (hasPeers) return new PeerWait(folder, loss ?? (await earlierLoss(folder)))
      await fs.rm(folder.awaitingPath, { force: true })
      return new PeerWait(folder, undefined)
    } catch (cause) {
      throw unreadable(folder.path, cause)
    }
  }

  /** Why we wait; undefined when we do not. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** A peer has given us what it holds, and it is on disk. Fails silently: the next start waits once more. */
  async over(): Promise<void> {
    if (this.#reason === undefined || this.#folder === undefined) return
    this.#reason = undefined
    await fs.rm(this.#folder.awaitingPath, { force: true }).catch(() => undefined)
    await syncDirectory(this.#folder.path).catch(() => undefined)
  }
}

async function earlierLoss(folder: StoreFolder): Promise<string | undefined> {
  const text = await fs.readFile(folder.awaitingPath, 'utf8').catch(() => undefined)
  return text?.trim()
}
