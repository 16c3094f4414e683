/**
 * What the oracles remember of running processes, and what they ask of each at any time: its members never step back,
 * its state holds nothing that was invented, over-claimed or dead, and it bounds what it queues and touches.
 */

import { ENTRIES_PER_TURN_MAX } from './cost-meter.ts'
import { digestDrifted } from './digest-oracle.ts'
import type { GhostOracle } from './ghost-oracle.ts'
import type { Marks } from './marks.ts'
import { MonotoneOracle } from './monotone-oracle.ts'
import type { SimNode, SimProcess } from './sim-node.ts'
import type { SimOptions } from './sim-options.ts'
import { type StateView, viewOf, type WriteModel } from './write-model.ts'
import {
  expiredButVisible,
  inventions,
  type Lifetimes,
  mapsDiffer,
  mayBeGone,
  overclaims,
} from './write-oracles.ts'

interface Watch {
  readonly oracle: MonotoneOracle
  /** Of the store, when it was looked at last. */
  version: number
  view: StateView | undefined
  /** Of the store, when the ghost oracle was last told what its disk has let go of. */
  letGoVersion: number
}

export interface ProcessWatchesDeps {
  readonly options: SimOptions
  readonly model: WriteModel
  readonly ghosts: GhostOracle
  readonly marks: Marks
}

export class ProcessWatches {
  readonly #deps: ProcessWatchesDeps
  readonly #watches = new Map<SimProcess, Watch>()

  constructor(deps: ProcessWatchesDeps) {
    this.#deps = deps
  }

  /** It is no more. */
  ended(process: SimProcess): void {
    this.#watches.delete(process)
  }

  /** @returns what is wrong with a running process just now */
  check(node: SimNode, process: SimProcess, limits: Lifetimes): string[] {
    const { model, ghosts, marks } = this.#deps
    const watch = this.#watchOf(process)
    const wallMs = node.clock.wallMs()
    const { parked, husks } = process.store.state.counts(wallMs)
    marks.hit('parked', parked)
    marks.hit('husks', husks)
    const wrong = this.#checkLoad(watch, node, process)
    const seenBefore = watch.version === process.store.version ? watch.view : undefined
    const view = seenBefore ?? viewOf(process.store.fullState())
    watch.view = view
    watch.version = process.store.version
    wrong.push(...expiredButVisible(view, process.store.state, wallMs))
    wrong.push(...ghosts.check(node.index, view))
    if (process.store.idle && watch.letGoVersion !== process.store.version) {
      watch.letGoVersion = process.store.version
      ghosts.letGo(node.index, view)
    }
    if (seenBefore !== undefined) return wrong
    return [
      ...wrong,
      ...digestDrifted(process.store.state),
      ...inventions(view, model),
      ...overclaims(view, model, limits),
      ...watch.oracle.checkState(view, (cell, before) => mayBeGone(model, cell, before, limits)),
    ]
  }

  /** @returns where processes that have seen the same writes hold different maps */
  checkEquallyInformed(limits: Lifetimes): string[] {
    const views = new Map<string, StateView>()
    const wrong: string[] = []
    for (const { view } of this.#watches.values()) {
      if (view === undefined) continue
      const seen = JSON.stringify(view.ranges)
      const other = views.get(seen)
      if (other === undefined) views.set(seen, view)
      else wrong.push(...mapsDiffer(other, view, this.#deps.model, limits))
    }
    return wrong
  }

  #checkLoad(watch: Watch, node: SimNode, { gossip }: SimProcess): string[] {
    const { machine } = gossip
    const wrong = watch.oracle.checkMembers(
      machine.selfIncarnation(),
      machine.members(),
      gossip.takeForgotten(),
    )
    const { most } = node.cost
    if (most > ENTRIES_PER_TURN_MAX) wrong.push(`${most} entries were touched in one turn`)
    const queued = machine.stats().queues.native.bytes
    if (queued > this.#deps.options.queueBytesMax) wrong.push(`${queued} bytes are queued`)
    return wrong
  }

  #watchOf(process: SimProcess): Watch {
    const known = this.#watches.get(process)
    if (known !== undefined) return known
    const watch = { oracle: new MonotoneOracle(), version: -1, view: undefined, letGoVersion: -1 }
    this.#watches.set(process, watch)
    return watch
  }
}
