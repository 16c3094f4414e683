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

  check(node: number, view: StateView): string[] {
    if (this.#harmed.has(node)) return []
    const isGhost = (dot: string): boolean => this.#dead.has(dot) && this.#model.issuers(dot).length === 1
    const held = [...view.live.keys(), ...[...view.puts.values()].map((put) => dotName(put.entry.dot))]
    return held.filter(isGhost).map((dot) => `a ghost: ${dot} is held again`)
  }

  /** @param view of a node whose disk has what its memory has; asked again whenever that has changed */
  letGo(node: number, view: StateView): void {
    const held = new Set([...view.puts.values()].map((put) => dotName(put.entry.dot)))
    for (const [dot, seen] of this.#model.coveredDots()) {
      if (this.#dead.has(dot) || held.has(dot) || view.live.has(dot) || !view.seen(seen)) continue
      const nodes = this.#lettingGo.get(dot)
      if (nodes?.has(node) === true) continue
      if (!this.#model.coverers(dot).some((entry) => entry.outcome === 'acked')) continue
      if (this.#model.issuers(dot).length !== 1) continue
      this.#add(dot, node, nodes ?? new Set())
    }
  }

  #add(dot: string, node: number, nodes: Set<number>): void {
    this.#lettingGo.set(dot, nodes.add(node))
    if (nodes.size < this.#nodes) return
    this.#dead.add(dot)
    this.#lettingGo.delete(dot)
  }
}
