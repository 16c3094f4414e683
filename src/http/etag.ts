/**
 * Entity tags and the preconditions that use them (RFC 9110 sections 8.8.3 and 13.1).
 *
 * Our tags are strong: the quoted version of an entry. `If-Match` compares strongly, so a weak tag (`W/"..."`) never
 * matches there; `If-None-Match` on reads compares weakly, so it may. Versions hold no quotes or commas.
 */

const TAG_LIST = /^\s*(?:W\/)?"[!#-~\x80-\xff]*"\s*(?:,\s*(?:W\/)?"[!#-~\x80-\xff]*"\s*)*$/
const TAG = /(W\/)?"([^"]*)"/g

/** Tags read at most from one header; the rest of a longer list is ignored, which is as if they did not match. */
const TAGS_MAX = 64

export interface EntityTag {
  readonly value: string
  readonly weak: boolean
}

export function formatEtag(version: string): string {
  return `"${version}"`
}

/** @returns the tags, `'*'`, or undefined when the header is neither */
export function parseEtagList(header: string): readonly EntityTag[] | '*' | undefined {
  if (header.trim() === '*') return '*'
  if (!TAG_LIST.test(header)) return undefined
  const tags: EntityTag[] = []
  for (const match of header.matchAll(TAG)) {
    if (tags.length === TAGS_MAX) break
    tags.push({ value: match[2] ?? '', weak: match[1] !== undefined })
  }
  return tags
}

/** Whether a read with this `If-None-Match` may be answered 304. A malformed header never is. */
export function isNotModified(ifNoneMatch: string, version: string): boolean {
  const tags = parseEtagList(ifNoneMatch)
  if (tags === undefined) return false
  return tags === '*' || tags.some((tag) => tag.value === version)
}
