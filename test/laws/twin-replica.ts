/** Production code and the plain model side by side: after each step they must hold the same. */
import type { ActorId } from '../../src/base/names.ts'
import type { CausalContext } from '../../src/crdt/context.ts'
import type { Delta, FullState } from '../../src/store/core/delta.ts'
import type { ReplicaStateOptions } from '../../src/store/core/replica-state.ts'
import { canonicalItems, canonicalState } from '../../src/testing/canonical-state.ts'
import { PlainReplica } from './plain-replica.ts'
import { type Part, RealReplica, type Replica } from './replica.ts'

export class TwinReplica implements Replica {
  readonly #real: RealReplica
  readonly #plain: PlainReplica

  constructor(actor: ActorId, options: ReplicaStateOptions = {}) {
    this.#real = new RealReplica(actor, options)
    this.#plain = new PlainReplica(actor, options)
  }

  put(map: string, key: string, text: string, nowMs: number, expiresAtMs?: number): Delta {
    return this.#both((replica) => replica.put(map, key, text, nowMs, expiresAtMs))
  }

  delete(map: string, key: string, nowMs: number): Delta {
    return this.#both((replica) => replica.delete(map, key, nowMs))
  }

  add(set: string, member: string, nowMs: number): Delta {
    return this.#both((replica) => replica.add(set, member, nowMs))
  }

  remove(set: string, member: string, nowMs: number): Delta {
    return this.#both((replica) => replica.remove(set, member, nowMs))
  }

  record(table: string, key: string, versionNs: bigint, text: string, nowMs: number): Delta {
    return this.#both((replica) => replica.record(table, key, versionNs, text, nowMs))
  }

  join(delta: Delta, nowMs: number): Delta {
    return this.#both((replica) => replica.join(delta, nowMs))
  }

  fullState(): FullState {
    return this.#real.fullState()
  }

  listing(): FullState {
    return this.#real.listing()
  }

  root(): string {
    return this.#real.root()
  }

  take(theirs: FullState, part: Part, nowMs: number): void {
    this.#both((replica) => replica.take(theirs, part, nowMs))
  }

  unite(theirs: CausalContext): void {
    this.#both((replica) => replica.unite(theirs))
  }

  pass(minuteMs: number, nowMs: number): void {
    this.#both((replica) => replica.pass(minuteMs, nowMs))
  }

  restart(lost: (cell: string) => boolean, actor: ActorId): void {
    this.#both((replica) => replica.restart(lost, actor))
  }

  #both<T>(step: (replica: Replica) => T): T {
    const result = step(this.#real)
    step(this.#plain)
    const real = `${canonicalState(this.#real.fullState())}\n${canonicalItems(this.#real.listing())}`
    const plain = `${canonicalState(this.#plain.fullState())}\n${canonicalItems(this.#plain.listing())}`
    if (real !== plain) throw new Error(`production code holds\n${real}\nthe plain rules say\n${plain}`)
    return result
  }
}
