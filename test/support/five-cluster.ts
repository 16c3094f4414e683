/**
 * Five members of two programs on five hosts, what can befall them, and what is asked of all of them afterwards. While
 * `traffic` runs, everybody who is up writes a silence a few times a second; those that were acknowledged are required of
 * all in the end.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { byText, type FiveMember } from './five-members.ts'
import { type NetHost, NetNamespaces } from './net-namespaces.ts'
import { untilAsync } from './until-async.ts'

const HOSTS = 5
const WRITE_GAP_MS = 200
const PATIENCE_MS = 60_000
/** What a program without a disk of its own acknowledged so shortly before it was killed may be lost. */
const GRACE_MS = 2000

interface Written {
  readonly id: string
  readonly by: number
  readonly atMs: number
}

export class FiveCluster {
  readonly net: NetNamespaces = new NetNamespaces(HOSTS)
  readonly members: readonly FiveMember[]
  /** Writes that hearsay did not take although it was up. */
  readonly refused: string[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'hearsay-five-'))
  readonly #up = new Set<number>()
  #written: Written[] = []

  constructor(cast: (host: NetHost, index: number, folder: string) => FiveMember) {
    this.members = this.net.hosts.map((host, i) => cast(host, i, mkdtempSync(join(this.#folder, `${i}-`))))
  }

  at(index: number): FiveMember {
    const found = this.members[index]
    if (found === undefined) throw new Error(`no member ${index}`)
    return found
  }

  name(index: number): string {
    return `${this.at(index).kind} ${index}`
  }

  get all(): readonly number[] {
    return this.members.map((_, i) => i)
  }

  /** Neither killed nor stopped. */
  get up(): readonly number[] {
    return this.all.filter((i) => this.#up.has(i))
  }

  /** Ids of all silences that nobody may lose. */
  get required(): readonly string[] {
    return this.#written.map(({ id }) => id)
  }

  require(id: string, by: number): void {
    this.#written.push({ id, by, atMs: performance.now() })
  }

  async start(indices: readonly number[] = this.all): Promise<void> {
    const one = async (index: number): Promise<void> => {
      const peers = this.members.flatMap(({ address }, i) => (i === index ? [] : [address]))
      await this.at(index).start(peers)
      this.#up.add(index)
    }
    await Promise.all(indices.map(one))
  }

  async kill(indices: readonly number[]): Promise<void> {
    for (const index of indices) this.#up.delete(index)
    await Promise.all(indices.map((index) => this.at(index).kill()))
    const nowMs = performance.now()
    this.#written = this.#written.filter(
      ({ by, atMs }) => !indices.includes(by) || this.at(by).kind === 'hearsay' || nowMs - atMs > GRACE_MS,
    )
  }

  /** SIGSTOP. */
  stop(indices: readonly number[]): void {
    for (const index of indices) {
      this.#up.delete(index)
      process.kill(this.at(index).pid, 'SIGSTOP')
    }
  }

  /** SIGCONT. */
  continue(indices: readonly number[]): void {
    for (const index of indices) {
      process.kill(this.at(index).pid, 'SIGCONT')
      this.#up.add(index)
    }
  }

  async write(index: number): Promise<string> {
    const id = await this.at(index).write(`by ${this.name(index)}`)
    this.require(id, index)
    return id
  }

  /** @returns ends it, and resolves when no write is under way */
  traffic(): () => Promise<void> {
    let running = true
    const loop = async (index: number): Promise<void> => {
      while (running) {
        const wasUp = this.#up.has(index)
        const failed = wasUp ? await this.write(index).then(() => undefined, String) : undefined
        if (failed !== undefined && this.#up.has(index)) this.refused.push(`${this.name(index)}: ${failed}`)
        await pause(WRITE_GAP_MS)
      }
    }
    const loops = this.all.map(loop)
    return async () => {
      running = false
      await Promise.all(loops)
    }
  }

  /** Whether each of `indices` lists exactly all of them, each once. */
  async #see(indices: readonly number[], wanted: readonly number[]): Promise<boolean> {
    const text = wanted
      .map((i) => this.at(i).address)
      .sort(byText)
      .join()
    const lists = await Promise.all(indices.map((i) => this.at(i).listed()))
    return lists.every((list) => list.join() === text)
  }

  /** Until `indices` list exactly each other. @returns after how many ms */
  async see(indices: readonly number[]): Promise<number> {
    return this.#explained(
      untilAsync(() => this.#see(indices, indices), 'membership', PATIENCE_MS),
      async (i) => `lists ${await this.at(i).listed()}`,
    )
  }

  /** Whether all that are up list exactly all. */
  isWhole(): Promise<boolean> {
    return this.#see(this.up, this.all)
  }

  /** Until all that are up have all silences that were acknowledged. @returns after how many ms */
  async equal(): Promise<number> {
    const { required } = this
    const isEqual = async (): Promise<boolean> => {
      const lacking = await Promise.all(this.up.map((i) => this.at(i).lacks(required)))
      return lacking.every((ids) => ids.length === 0)
    }
    return this.#explained(untilAsync(isEqual, 'every silence everywhere', PATIENCE_MS), async (i) => {
      const lacking = await this.at(i).lacks(required)
      const writers = lacking.map((id) => this.#written.find((each) => each.id === id)?.by)
      return `lacks ${lacking.length} of ${required.length}, written by ${[...new Set(writers)]}`
    })
  }

  async #explained(waiting: Promise<number>, explain: (index: number) => Promise<string>): Promise<number> {
    try {
      return await waiting
    } catch (error) {
      const views = await Promise.all(
        this.up.map(async (i) => `${this.name(i)} ${await explain(i).catch(String)}`),
      )
      throw new Error(`${(error as Error).message}\n${views.join('\n')}`)
    }
  }

  /** Ends everybody. @returns complaints of all who ever ran */
  async close(): Promise<readonly string[]> {
    await Promise.all(this.members.map((member) => member.kill()))
    this.net.remove()
    rmSync(this.#folder, { recursive: true, force: true })
    return this.members.flatMap((member) => member.complaints())
  }
}
