/**
 * xxHash64 with seed 0, by which Alertmanagers know alerts in their notification log. It is WebAssembly of 3 kB that comes
 * inside the package's own code: compiled when the first replica opens, never on import, and then shared.
 */
import type { HashFunction64 } from '../base/hash-function.ts'

let loading: Promise<HashFunction64> | undefined

/** Loads once, however often it is called. */
export function loadXxHash64(): Promise<HashFunction64> {
  loading ??= compile()
  return loading
}

async function compile(): Promise<HashFunction64> {
  const { default: xxhash } = await import('xxhash-wasm')
  const { h64Raw } = await xxhash()
  return (bytes) => h64Raw(bytes)
}
