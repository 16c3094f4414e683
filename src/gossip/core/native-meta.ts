/**
 * How a hearsay member is told from any other: four bytes in its node meta, `68 73` ("hs"), then the lowest and the
 * highest version of the private wire that it reads. After them may come the release of the program as text, for people:
 * who upgrades one replica after the other sees how far that is.
 *
 * Two members speak privately when the ranges overlap; otherwise the other is treated like any foreign memberlist
 * program, so that a cluster in the middle of an upgrade keeps its membership and what both formats share.
 */
import { PRIVATE_VERSION } from './batch-frame.ts'
import type { PeerClass } from './delegate.ts'

const H = 0x68
const S = 0x73
const META_HEAD_BYTES = 4
/** We read nothing older than the first version. */
const PRIVATE_VERSION_MIN = 1

/** Printable ASCII, so that a terminal can be shown it as it is. */
const RELEASE = /^[\x21-\x7e]{1,32}$/

/** Our own meta. @param release at most 32 printable characters, else left out */
export function nativeMeta(release = ''): Uint8Array {
  const text = RELEASE.test(release) ? release : ''
  return Uint8Array.from([
    H,
    S,
    PRIVATE_VERSION_MIN,
    PRIVATE_VERSION,
    ...[...text].map((c) => c.charCodeAt(0)),
  ])
}

/** The release that a hearsay member says it is of; undefined when it says none that can be shown, and for other programs. */
export function nativeRelease(meta: Uint8Array): string | undefined {
  if (nativeVersions(meta) === undefined) return undefined
  const text = String.fromCharCode(...meta.subarray(META_HEAD_BYTES))
  return RELEASE.test(text) ? text : undefined
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
