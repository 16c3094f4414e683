/**
 * One seed, many independent streams of numbers, each named by its purpose: ('network', 0, 2), ('workload'). Drawing
 * one number more in one place then shifts no other place, so switching a fault off leaves the rest of a run alone.
 */
import { type Random, seededRandom } from '../base/random.ts'

/** @returns the generator of the stream that `seed` and `purpose` name; equal arguments give equal streams */
export function randomStream(seed: number, ...purpose: readonly (string | number)[]): Random {
  let state = seed >>> 0
  for (const character of purpose.join('/')) {
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)
    state = (state ^ (state >>> 15)) >>> 0
  }
  const random = seededRandom(state)
  random.next()
  return random
}

/** Uniform in [minMs, maxMs). */
export function between(random: Random, min: number, max: number): number {
  return min + random.next() * (max - min)
}

/** Exponentially distributed around `mean`: the gaps of events that happen independently of each other. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.next())
}

/** One of `items`, which must not be empty. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T
}

/** In [min, max), each factor of ten as likely as any other. */
export function logUniform(random: Random, min: number, max: number): number {
  return min * (max / min) ** random.next()
}
