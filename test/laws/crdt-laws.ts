/**
 * The laws of a join, as one suite for every lattice. States are snapshots; `join` makes a new one and changes neither.
 *
 * The three states of a trial come from one history, because a join of ours is only defined on what replicas can reach:
 * two replicas never give one dot to two writes.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

export interface LatticeSpec<S> {
  readonly name: string
  /** Three states of one history. */
  readonly states: fc.Arbitrary<readonly [S, S, S]>
  join(a: S, b: S): S
  /** Equal text for equal states only. */
  text(state: S): string
  /** Whether `a` holds or outranks all that `b` does, said in another way than by joining. */
  includes?(a: S, b: S): boolean
  roundTrip?(state: S): S
  readonly runs?: number
}

export function runCrdtLaws<S>(spec: LatticeSpec<S>): void {
  const { join, text, states, runs = 300 } = spec
  const check = (claim: (a: S, b: S, c: S) => void): void => {
    fc.assert(
      fc.property(states, ([a, b, c]) => {
        claim(a, b, c)
      }),
      { numRuns: runs },
    )
  }
  describe(spec.name, () => {
    it('joins in either order to the same', () => {
      check((a, b) => expect(text(join(a, b))).toBe(text(join(b, a))))
    })

    it('joins in any grouping to the same', () => {
      check((a, b, c) => expect(text(join(join(a, b), c))).toBe(text(join(a, join(b, c)))))
    })

    it('does not change by joining again', () => {
      check((a, b) => {
        expect(text(join(a, a))).toBe(text(a))
        expect(text(join(join(a, b), b))).toBe(text(join(a, b)))
      })
    })

    it('never loses what either side had', () => {
      check((a, b) => {
        const both = join(a, b)
        expect(text(join(both, a))).toBe(text(both))
        if (spec.includes !== undefined) {
          expect(spec.includes(both, a)).toBe(true)
          expect(spec.includes(both, b)).toBe(true)
        }
      })
    })

    if (spec.roundTrip !== undefined) {
      const { roundTrip } = spec
      it('survives its encoding', () => check((a) => expect(text(roundTrip(a))).toBe(text(a))))
    }
  })
}
