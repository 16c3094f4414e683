/**
 * Oracle of removals: what was removed everywhere never comes back (reliability.md 3.1, "No resurrection").
 *
 * A dot is dead for good once its removal was acknowledged and every node has let go of it durably: it has seen the dot,
 * does not hold it, and its disk has everything that its memory has. A replica that holds a dead dot holds a ghost. Nodes
 * whose disk was harmed may show ghosts, as an old backup does, until the cluster has come to rest once.
 */
import { dotName, type StateView, type WriteModel } from './write-model.ts'

export class GhostOracle {
  readonly #model: WriteModel
  readonly #nodes: number
  /** Nodes that have let go of a dot. */
  readonly #lettingGo = new Map<string, Set<number>>()
  readonly #dead = new Set<string>()
  readonly #harmed = new Set<number>()

  constructor(model: WriteModel, nodes: number) {
    this.#model = model
    this.#nodes = nodes
  }

  /** Dots that no replica may hold any more. */
  get deadCount(): number {
    return this.#dead.size
  }

  /** The disk of `node` was set back, or worse. */
  harmed(node: number): void {
    this.#harmed.add(node)
    for (const nodes of this.#lettingGo.values()) nodes.delete(node)
  }

  /** All replicas hold the same now: from here on no ghost is excused. */
  atRest(): void {
    this.#harmed.clear()
  }

  /** @param durable whether the disk of the node has what its memory has */
  check(node: number, view: StateView, durable: boolean): string[] {
    const held = new Set(view.live.keys())
    for (const put of view.puts.values()) held.add(dotName(put.entry.dot))
    if (durable) this.#letGo(node, view, held)
    if (this.#harmed.has(node)) return []
    const isGhost = (dot: string): boolean => this.#dead.has(dot) && this.#model.issuers(dot).length === 1
    return [...held].filter(isGhost).map((dot) => `a ghost: ${dot} is held again`)
  }

  #letGo(node: number, view: StateView, held: ReadonlySet<string>): void {
    for (const [dot, seen] of this.#model.coveredDots()) {
      if (this.#dead.has(dot) || held.has(dot) || !view.seen(seen)) continue
      if (!this.#model.coverers(dot).some((entry) => entry.outcome === 'acked')) continue
      if (this.#model.issuers(dot).length !== 1) continue
      const nodes = this.#lettingGo.get(dot) ?? new Set()
      this.#lettingGo.set(dot, nodes.add(node))
      if (nodes.size < this.#nodes) continue
      this.#dead.add(dot)
      this.#lettingGo.delete(dot)
    }
  }
}
