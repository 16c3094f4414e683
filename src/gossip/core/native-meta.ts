/**
 * How a hearsay member is told from any other: four bytes in its node meta, `68 73` ("hs"), then the lowest and the
 * highest version of the private wire that it reads.
 *
 * Two members speak privately when the ranges overlap; otherwise the other is treated like any foreign memberlist
 * program, so that a cluster in the middle of an upgrade keeps its membership and what both formats share.
 */
import { PRIVATE_VERSION } from './batch-frame.ts'
import type { PeerClass } from './delegate.ts'

const H = 0x68
const S = 0x73
/** We read nothing older than the first version. */
const PRIVATE_VERSION_MIN = 1

/** Our own meta. */
export function nativeMeta(): Uint8Array {
  return Uint8Array.of(H, S, PRIVATE_VERSION_MIN, PRIVATE_VERSION)
}

/** The private versions a hearsay member reads, undefined for any other program. */
export function nativeVersions(meta: Uint8Array): { readonly min: number; readonly max: number } | undefined {
  const [h, s, min, max] = meta
  if (h !== H || s !== S || min === undefined || max === undefined) return undefined
  return { min, max }
}

export function classifyMeta(meta: Uint8Array): PeerClass {
  const versions = nativeVersions(meta)
  if (versions === undefined) return 'foreign'
  return versions.min <= PRIVATE_VERSION && versions.max >= PRIVATE_VERSION_MIN ? 'native' : 'foreign'
}
