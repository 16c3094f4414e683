/**
 * Randomness as a capability, so that a whole cluster can be replayed from one seed.
 *
 * The seeded generator is splitmix32: 32 bits of state, passes the usual small batteries, and one seed can be split
 * into independent streams by purpose (`seededRandom(seed ^ hash('network'))`), so that drawing one more number in
 * one place does not shift every other draw. It is not for secrets; keys and ids come from the host.
 */

export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** Uniform integer in [0, bound). `bound` must be a positive integer below 2^32. */
  below(bound: number): number
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next32 = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  return {
    next: () => next32() / 0x1_0000_0000,
    below: (bound) => Math.floor((next32() / 0x1_0000_0000) * bound),
  }
}

/** Fisher-Yates, in place; returns its argument. */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const held = items[i] as T
    items[i] = items[j] as T
    items[j] = held
  }
  return items
}
