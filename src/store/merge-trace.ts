/**
 * Each join of what another replica holds, as a tracing channel of Node: `tracing:hearsay:merge:start` and `:end`. Who
 * listens is the program around us (docs/reference/tracing.md); while nobody does it costs two reads.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import { type Delta, isEmptyDelta } from './core/delta.ts'

/** What listeners are given, one object from start to end. */
export interface MergeTrace {
  /** Set at the end: how many keys, elements and records were news here. */
  changes?: number
}

const CHANNEL = tracingChannel<unknown, MergeTrace>('hearsay:merge')

export function isMergeTraced(): boolean {
  return CHANNEL.start.hasSubscribers || CHANNEL.end.hasSubscribers
}

/** @param join takes the delta in, and returns what of it was news */
export function tracedMerge(join: () => Delta): Delta {
  const trace: MergeTrace = { changes: 0 }
  return CHANNEL.traceSync(() => {
    const news = join()
    if (isEmptyDelta(news)) return news
    trace.changes = news.puts.length + news.adds.length + news.covered.length + news.records.length
    return news
  }, trace)
}
