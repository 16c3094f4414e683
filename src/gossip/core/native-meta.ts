/**
 * How a hearsay member is told from any other: four bytes in its node meta, `68 73` ("hs"), then the lowest and the
 * highest version of the private wire that it reads. After them may come the release of the program as text, for people:
 * who upgrades one replica after the other sees how far that is. Behind a zero byte may come the 16 bytes of its actor, by
 * which its writes are told from others': so much is known of the clock behind a stamp (app/merge-counts.ts).
 *
 * Two members speak privately when the ranges overlap; otherwise the other is treated like any foreign memberlist
 * program, so that a cluster in the middle of an upgrade keeps its membership and what both formats share.
 */
import { type ActorId, actorId } from '../../base/names.ts'
import { PRIVATE_VERSION } from './batch-frame.ts'
import type { PeerClass } from './delegate.ts'

const H = 0x68
const S = 0x73
const META_HEAD_BYTES = 4
const ACTOR_BYTES = 16
/** We read nothing older than the first version. */
const PRIVATE_VERSION_MIN = 1

/** Printable ASCII, so that a terminal can be shown it as it is. */
const RELEASE = /^[\x21-\x7e]{1,32}$/

/**
 * Our own meta.
 * @param release at most 32 printable characters, else left out
 * @param actor omitted: not told
 */
export function nativeMeta(release = '', actor?: ActorId): Uint8Array {
  const text = RELEASE.test(release) ? release : ''
  return Uint8Array.from([
    H,
    S,
    PRIVATE_VERSION_MIN,
    PRIVATE_VERSION,
    ...[...text].map((c) => c.charCodeAt(0)),
    ...(actor === undefined ? [] : [0, ...actorBytes(actor)]),
  ])
}

/** The release that a hearsay member says it is of; undefined when it says none that can be shown, and for other programs. */
export function nativeRelease(meta: Uint8Array): string | undefined {
  if (nativeVersions(meta) === undefined) return undefined
  const text = String.fromCharCode(...releasePart(meta))
  return RELEASE.test(text) ? text : undefined
}

/** The actor that a hearsay member writes as; undefined when it does not say, and for other programs. */
export function nativeActor(meta: Uint8Array): ActorId | undefined {
  if (nativeVersions(meta) === undefined) return undefined
  const bytes = meta.subarray(META_HEAD_BYTES + releasePart(meta).length + 1)
  if (bytes.length !== ACTOR_BYTES) return undefined
  return actorId([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''))
}

function releasePart(meta: Uint8Array): Uint8Array {
  const end = meta.indexOf(0, META_HEAD_BYTES)
  return meta.subarray(META_HEAD_BYTES, end === -1 ? meta.length : end)
}

function actorBytes(actor: ActorId): number[] {
  return Array.from({ length: ACTOR_BYTES }, (_, i) => Number.parseInt(actor.slice(2 * i, 2 * i + 2), 16))
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
