/**
 * Causal context: the set of all dots seen, held as a version vector plus a cloud of intervals above its gaps.
 */
import type { Dot } from './dot.ts'

export class CausalContext {
  has(_dot: Dot): boolean {
    throw new Error('being written')
  }
}
