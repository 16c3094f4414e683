/**
 * One session of anti-entropy with one peer: first find out where the two states differ, then exchange exactly that.
 *
 * One side compares, the other is compared with. The comparing side starts from an offer (64 symbols); where there are too
 * many differences for it, it asks for a sketch of 4,096 symbols, and beyond that for the listing of the buckets that
 * differ. The side that holds less is the one to be listed, so that an empty replica costs nothing but its entries: whoever
 * was offered more than it holds swaps the parts. The comparing side then looks through its own items, names what it
 * lacks (`want`) together with its context, and from there on both do the same: send what the other has not seen, in
 * chunks (outgoing-chunks.ts), and drop what the other saw and no longer holds (incoming-chunks.ts). The comparing side sends its chunks
 * after the first of the other: by then that one has read the context and knows what to drop.
 *
 * A context is always captured before the items are looked at that it goes with (syncable.ts). Whoever has got and taken
 * all that the other sent takes over that context: of what it claims, everything that the other still held is here now.
 * At the end both tell their roots, and if these are equal each takes over what the other has seen since then, too. Where
 * writes never stop roots are hardly ever equal, and gaps would stay for as long.
 *
 * Synchronous and without a clock: frames and slices come in, frames go out. A frame that does not fit what is going on
 * was repeated, delayed or forged, and is passed over; whoever waits for another one is ended by the idle timeout
 * (syncer.ts). What has arrived stays.
 */
import { compareBytes } from '../../base/bytes.ts'
import type { CausalContext } from '../../crdt/context.ts'
import { SKETCH_SYMBOLS_MAX, Sketch } from '../../crdt/sketch.ts'
import type { Delta } from '../core/delta.ts'
import { decodeDelta } from '../core/delta-codec.ts'
import type { StateItem } from '../core/state-item.ts'
import { Comparison } from './comparison.ts'
import { eachHash, type StateSummary, type SyncBody } from './frames.ts'
import { ABSENT, CONTESTED, HashTable, LISTED } from './hash-table.ts'
import { IncomingChunks } from './incoming-chunks.ts'
import { ListingSender, WantSender } from './listing-parts.ts'
import { OutgoingChunks } from './outgoing-chunks.ts'
import { inSlices } from './slices.ts'
import { sameState, summaryOf } from './state-summary.ts'
import type { SyncStore } from './sync-store.ts'

/** A sketch of 4,096 symbols decodes up to about 2,900 differences; a gap in the counts is the least there can be. */
const SKETCH_GAP_MAX = 2500

export interface SessionDeps {
  readonly store: SyncStore
  readonly send: (body: SyncBody) => void
  readonly schedule: (task: () => void) => void
  /** Hears what was new here, chunk by chunk. */
  readonly joined: (news: Delta, lines: number) => void
  readonly sent: (lines: number) => void
  readonly retired: (count: number) => void
  /** Everything was exchanged; `equal` when both hold the same now. Called once, and nothing after it. */
  readonly completed: (equal: boolean, theirs: StateSummary) => void
  /** A sign of life, ours or the peer's. */
  readonly active: () => void
}

export class SyncSession {
  readonly #deps: SessionDeps
  readonly #incoming: IncomingChunks
  readonly #outgoing: OutgoingChunks
  #isOpen = true
  /** Whether we send `want`s; decided by the first of either. */
  #compares = false
  #theirContext: CausalContext | undefined
  #theirCount = 0
  /** Captured before our items are compared. */
  #ownContext: CausalContext | undefined
  #ownSketch: Sketch | undefined
  #theirSketch: Sketch | undefined
  #awaits: 'summary' | 'listing' | undefined
  #listing: { readonly table: HashTable; readonly covers: Uint8Array; next: number } | undefined
  #wanted: { readonly table: HashTable; next: number } | undefined
  #listingSender: ListingSender | undefined
  #wantSender: WantSender | undefined
  #isSummarized = false
  #isSorted = false
  #isFinishing = false
  #isFinished = false
  #theirEnd: StateSummary | undefined

  constructor(deps: SessionDeps) {
    this.#deps = deps
    this.#outgoing = new OutgoingChunks({
      read: (items) => deps.store.read(items),
      send: (sequence, last, delta, lines) => {
        deps.sent(lines)
        deps.send({ kind: 'chunk', sequence, last, delta })
      },
    })
    this.#incoming = new IncomingChunks({
      store: deps.store,
      schedule: this.#schedule,
      isOpen: this.#opened,
      acknowledge: (number) => deps.send({ kind: 'ack', of: 'chunk', number }),
      joined: deps.joined,
      retired: deps.retired,
      progressed: () => this.#finishIfDone(),
    })
  }

  readonly #opened = (): boolean => this.#isOpen

  readonly #schedule = (task: () => void): void => {
    this.#deps.schedule(() => {
      if (!this.#isOpen) return
      this.#deps.active()
      task()
    })
  }

  /** Nothing happens any more; what has arrived stays. */
  close(): void {
    this.#isOpen = false
  }

  /** Starts as the comparing side, from an offer with context and sketch, whose root is not ours. */
  compareWith({ count, context, sketch }: StateSummary): void {
    const { store, send } = this.#deps
    if (context === undefined || sketch === undefined) return
    this.#theirCount = count
    this.#theirContext = context
    const difference = Sketch.difference(store.digest.sketch, sketch)
    const comparison = difference && Comparison.bySketch(difference)
    if (comparison !== undefined) {
      this.#ownContext = store.context.clone()
      this.#sort(comparison)
    } else if (count > store.digest.count) {
      send({ kind: 'swap', count: store.digest.count, context: store.context.clone() })
    } else this.#ask()
  }

  /** @returns false when the frame breaks a bound: the session is of no use any more. @throws HearsayError from a delta */
  receive(body: SyncBody): boolean {
    switch (body.kind) {
      case 'swap':
        if (this.#theirContext !== undefined || this.#wanted !== undefined) return true
        this.#theirCount = body.count
        this.#theirContext = body.context
        this.#ask()
        return true
      case 'ask-sketch':
        this.#summarize()
        return true
      case 'ask-listing':
        this.#list(body.buckets)
        return true
      case 'summary':
        if (this.#awaits !== 'summary') return true
        this.#theirSketch = body.sketch
        this.#theirContext = body.context
        this.#compareSketches()
        return true
      case 'listing':
        return this.#listed(body)
      case 'want':
        return this.#want(body)
      case 'chunk':
        return this.#chunk(body)
      case 'ack':
        this.#acknowledged(body)
        return true
      case 'done':
        if (!this.#compares) this.#peerDone(body.state)
        else if (this.#isFinished) this.#end(this.#unite(body.state), body.state)
        return true
      case 'offer':
      case 'refuse':
        return true
    }
  }

  #ask(): void {
    const { store, send } = this.#deps
    this.#compares = true
    if (this.#theirCount === 0) {
      this.#ownContext = store.context.clone()
      this.#sort(Comparison.withNothing())
    } else if (Math.abs(this.#theirCount - store.digest.count) <= SKETCH_GAP_MAX) {
      this.#awaits = 'summary'
      send({ kind: 'ask-sketch' })
      this.#ownContext = store.context.clone()
      this.#sketchAll((sketch) => {
        this.#ownSketch = sketch
        this.#compareSketches()
      })
    } else this.#askListing()
  }

  #askListing(): void {
    this.#awaits = 'listing'
    this.#deps.send({ kind: 'ask-listing', buckets: this.#deps.store.digest.buckets.slice() })
  }

  #sketchAll(done: (sketch: Sketch) => void): void {
    const sketch = new Sketch(SKETCH_SYMBOLS_MAX)
    this.#scan(
      ({ hi, lo }) => sketch.toggle(hi, lo, 1),
      () => done(sketch),
    )
  }

  #summarize(): void {
    if (this.#isSummarized) return
    this.#isSummarized = true
    const context = this.#deps.store.context.clone()
    this.#sketchAll((sketch) => this.#deps.send({ kind: 'summary', context, sketch }))
  }

  #compareSketches(): void {
    if (this.#ownSketch === undefined || this.#theirSketch === undefined) return
    const difference = Sketch.difference(this.#ownSketch, this.#theirSketch)
    this.#ownSketch = this.#theirSketch = undefined
    const comparison = difference && Comparison.bySketch(difference)
    if (comparison === undefined) this.#askListing()
    else this.#sort(comparison)
  }

  #list(theirBuckets: Uint32Array): void {
    if (this.#listingSender !== undefined) return
    const sender = new ListingSender(this.#deps.store, theirBuckets, this.#deps.send)
    this.#listingSender = sender
    this.#scan(
      (item) => sender.add(item),
      () => sender.start(),
    )
  }

  #listed(body: SyncBody & { readonly kind: 'listing' }): boolean {
    if (this.#awaits !== 'listing') return true
    if (body.opening !== undefined && this.#listing === undefined) {
      this.#theirContext = body.opening.context
      this.#listing = { table: new HashTable(), covers: body.opening.covers.slice(), next: 0 }
    }
    const listing = this.#listing
    if (listing === undefined || body.part !== listing.next) return true
    listing.next++
    if (!eachHash(body.items, (hi, lo) => listing.table.add(hi, lo, LISTED))) return false
    this.#deps.send({ kind: 'ack', of: 'listing', number: body.part })
    if (!body.last) return true
    this.#ownContext = this.#deps.store.context.clone()
    this.#sort(Comparison.byListing(listing.covers, listing.table))
    return true
  }

  /** The comparing side looks through its own items, then says what it wants. */
  #sort(comparison: Comparison): void {
    this.#compares = true
    this.#awaits = undefined
    this.#listing = undefined
    const ownContext = this.#ownContext
    if (ownContext === undefined) return
    this.#scan(
      (item) => {
        const place = comparison.place(item)
        if (place !== 'common' || this.#isNews(item)) this.#place(item, place === 'contested')
      },
      () => {
        this.#isSorted = true
        const nothingComes = this.#outgoing.isEmpty
        this.#wantSender = new WantSender(this.#deps.send, {
          context: ownContext,
          nothingComes,
          contested: [...comparison.contested()],
          items: comparison.wanted(),
        })
        this.#wantSender.next()
      },
    )
  }

  /** The other side collects what is wanted, then looks for it. */
  #want(body: SyncBody & { readonly kind: 'want' }): boolean {
    if (this.#compares || this.#isSorted) return true
    if (body.context !== undefined && this.#wanted === undefined) {
      this.#theirContext = body.context
      this.#wanted = { table: new HashTable(), next: 0 }
    }
    const wanted = this.#wanted
    if (wanted === undefined || body.part !== wanted.next) return true
    wanted.next++
    const read =
      eachHash(body.contested, (hi, lo) => wanted.table.add(hi, lo, CONTESTED)) &&
      eachHash(body.items, (hi, lo) => wanted.table.add(hi, lo, LISTED))
    if (!read) return false
    if (!body.last) {
      this.#deps.send({ kind: 'ack', of: 'want', number: body.part })
      return true
    }
    if (body.nothingComes) this.#incoming.nothingComes()
    const answer = (): void => {
      this.#isSorted = true
      this.#outgoing.start()
      this.#finishIfDone()
    }
    if (wanted.table.size === 0) {
      answer()
      return true
    }
    this.#scan((item) => {
      const mark = wanted.table.mark(item.hi, item.lo)
      if (mark !== ABSENT || this.#isNews(item)) this.#place(item, mark === CONTESTED)
    }, answer)
    return true
  }

  /** One of our items that the peer does not hold: it goes there, unless the peer has seen it and let it go. */
  #place(item: StateItem, contested: boolean): void {
    const theirs = this.#theirContext
    if (theirs === undefined || contested || item.dot === undefined || !theirs.has(item.dot)) {
      this.#outgoing.add(item)
    } else this.#incoming.retireLater(item, theirs)
  }

  /**
   * Written since the states were compared: perhaps over something that the peer asked for, and then it must not go without
   * this, or the peer would let go of what both replaced and hold nothing under the key.
   */
  #isNews({ dot }: StateItem): boolean {
    return dot !== undefined && this.#theirContext?.has(dot) === false
  }

  #scan(each: (item: StateItem) => void, done: () => void): void {
    const slice = (items: readonly StateItem[]): void => {
      for (const item of items) each(item)
      this.#outgoing.endRun()
    }
    inSlices({ schedule: this.#schedule, isOpen: this.#opened }, this.#deps.store.scan(), slice, done)
  }

  #chunk({ sequence, last, delta }: SyncBody & { readonly kind: 'chunk' }): boolean {
    if (!this.#isSorted) return true
    if (!this.#incoming.receive(sequence, last, decodeDelta(delta), this.#theirContext)) return false
    if (this.#compares && !this.#outgoing.isStarted && !this.#outgoing.isEmpty) this.#outgoing.start()
    return true
  }

  #acknowledged({ of, number }: SyncBody & { readonly kind: 'ack' }): void {
    if (of === 'listing') this.#listingSender?.acknowledged(number)
    else if (of === 'want') this.#wantSender?.acknowledged(number)
    else {
      this.#outgoing.acknowledged(number)
      this.#finishIfDone()
    }
  }

  /** Once all has come, what the peer let go goes here too; the comparing side then says that it is done. */
  #finishIfDone(): void {
    if (this.#isFinishing || !this.#isSorted || !this.#incoming.isComplete) return
    if (this.#compares && !(this.#outgoing.isDone || this.#outgoing.isEmpty)) return
    this.#isFinishing = true
    this.#incoming.finish(() => {
      this.#isFinished = true
      const { store } = this.#deps
      if (this.#theirContext !== undefined && this.#incoming.tookAll) store.unite(this.#theirContext)
      if (this.#compares) this.#deps.send({ kind: 'done', state: summaryOf(store, 'context') })
      else if (this.#theirEnd !== undefined) this.#answerDone(this.#theirEnd)
    })
  }

  #peerDone(theirs: StateSummary): void {
    this.#outgoing.allAcknowledged()
    this.#theirEnd = theirs
    if (this.#isFinished) this.#answerDone(theirs)
  }

  #answerDone(theirs: StateSummary): void {
    const { store, send } = this.#deps
    const equal = this.#unite(theirs)
    const state = summaryOf(store, 'nothing')
    // The peer needs our context only where it is another one even now.
    const same = compareBytes(state.contextHash, theirs.contextHash) === 0
    send({ kind: 'done', state: same ? state : summaryOf(store, 'context') })
    this.#end(equal, theirs)
  }

  #unite(theirs: StateSummary): boolean {
    const { store } = this.#deps
    const equal = sameState(store, theirs)
    if (equal && theirs.context !== undefined) store.unite(theirs.context)
    return equal
  }

  #end(equal: boolean, theirs: StateSummary): void {
    this.close()
    this.#deps.completed(equal, theirs)
  }
}
