/** Who of this replica wants which work: one at a time, in the order in which they came. */
import type { Contender } from './contender.ts'

export class Queues {
  readonly #queues = new Map<string, Contender[]>()
  #size = 0

  /** Contenders of all works. */
  get size(): number {
    return this.#size
  }

  head(work: string): Contender | undefined {
    return this.#queues.get(work)?.[0]
  }

  *heads(): Generator<Contender> {
    for (const [head] of this.#queues.values()) if (head !== undefined) yield head
  }

  add(contender: Contender, nowMs: number): void {
    const queue = this.#queues.get(contender.work)
    this.#size++
    if (queue !== undefined) {
      queue.push(contender)
      return
    }
    this.#queues.set(contender.work, [contender])
    contender.up(nowMs)
  }

  remove(contender: Contender, nowMs: number): void {
    const queue = this.#queues.get(contender.work)
    const at = queue?.indexOf(contender) ?? -1
    if (queue === undefined || at === -1) return
    queue.splice(at, 1)
    this.#size--
    if (queue.length === 0) this.#queues.delete(contender.work)
    else if (at === 0) queue[0]?.up(nowMs)
  }
}
