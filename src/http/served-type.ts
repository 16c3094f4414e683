/**
 * How a stored content type is given back. One that could not stand in a header (it came from a peer or a batch) is
 * served as octets. All but plain JSON get a sandbox and no sniffing: a browser that is led to a value of ours must not
 * run what somebody wrote there. JSON goes without, since browsers neither sniff nor run it, and it is most of the
 * traffic.
 *
 * There are few types and many reads, so the answers are remembered, up to 256 of them.
 */
import { DEFAULT_CONTENT_TYPE, HEADER_SAFE } from './stored-value.ts'

const REMEMBERED_MAX = 256

export interface ServedType {
  readonly contentType: string
  readonly needsSandbox: boolean
}

const remembered = new Map<string, ServedType>()

export function servedType(stored: string): ServedType {
  const known = remembered.get(stored)
  if (known !== undefined) return known
  const contentType = HEADER_SAFE.test(stored) ? stored : DEFAULT_CONTENT_TYPE
  const served = { contentType, needsSandbox: !/^application\/json\s*(?:;|$)/i.test(contentType) }
  if (remembered.size >= REMEMBERED_MAX) remembered.clear()
  remembered.set(stored, served)
  return served
}
