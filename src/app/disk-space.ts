/**
 * How full the file system of the store is. Asked for at each scrape and told at the next one: a disk that does not answer
 * must not hold up the event loop, nor the scrape.
 */
import { statfs } from 'node:fs/promises'
import type { Sample } from '../http/metrics/registry.ts'

export class DiskSpace {
  readonly #path: string
  #known: { readonly freeBytes: number; readonly bytes: number } | undefined
  #asking: Promise<void> | undefined

  /** @param path a directory on it */
  constructor(path: string) {
    this.#path = path
  }

  /** Resolves when it is known, or cannot be; what is asked meanwhile is told the same. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask()
    return this.#asking
  }

  /** As of the last answer; undefined before the first, and without one. */
  get known(): { readonly freeBytes: number; readonly bytes: number } | undefined {
    return this.#known
  }

  *samples(): Iterable<Sample> {
    void this.refresh()
    if (this.#known === undefined) return
    yield { name: 'hearsay_store_disk_free_bytes', value: this.#known.freeBytes }
    yield { name: 'hearsay_store_disk_bytes', value: this.#known.bytes }
  }

  async #ask(): Promise<void> {
    try {
      const { bsize, bavail, blocks } = await statfs(this.#path)
      this.#known = { freeBytes: bavail * bsize, bytes: blocks * bsize }
    } catch {
      // It went, or is no disk that says: then there is no figure, and the store says what is wrong.
      this.#known = undefined
    }
    this.#asking = undefined
  }
}
