/** Gossip keys that tests can tell apart by eye: one byte, again and again. */
import { fingerprintOf } from '../../src/app/gossip-key.ts'

export interface TestKey {
  readonly bytes: Uint8Array
  /** Base64. */
  readonly text: string
  readonly fingerprint: string
}

export function keyOf(filling: number, length = 32): TestKey {
  const bytes = new Uint8Array(length).fill(filling)
  return { bytes, text: Buffer.from(bytes).toString('base64'), fingerprint: fingerprintOf(bytes) }
}
