/** What a replica says of its state in an offer, and whether a peer's saying means the same state. */
import { compareBytes } from '../../base/bytes.ts'
import type { Syncable } from '../core/syncable.ts'
import { contextHash } from './context-hash.ts'
import type { StateSummary } from './frames.ts'

/** @param with what goes along: nothing, the context, or the context and the 64 symbols */
export function summaryOf(
  { digest, context }: Pick<Syncable, 'digest' | 'context'>,
  along: 'nothing' | 'context' | 'sketch',
): StateSummary {
  return {
    root: digest.root().slice(),
    count: digest.count,
    contextHash: contextHash(context),
    context: along === 'nothing' ? undefined : context.clone(),
    sketch: along === 'sketch' ? digest.sketch.clone() : undefined,
  }
}

/** Whether a peer holds exactly the items that we hold. */
export function sameState({ digest }: Pick<Syncable, 'digest'>, theirs: StateSummary): boolean {
  return digest.count === theirs.count && compareBytes(digest.root(), theirs.root) === 0
}
