/**
 * Conditional writes: `If-Match` with versions or `*`, and `If-None-Match: *` for "only create". The store compares, in
 * one step with the write. Other conditional headers are refused, because ignoring one would write what the client
 * wanted guarded.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Precondition } from '../store/key-value.ts'
import { parseEtagList } from './etag.ts'
import { HttpError } from './problem.ts'

const NONE: Precondition = {}

/** @throws HttpError `HTTP_PRECONDITION_UNSUPPORTED`, or `HTTP_REQUEST_MALFORMED` for a tag without quotes */
export function writePrecondition(headers: IncomingHttpHeaders): Precondition {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  if (headers['if-unmodified-since'] !== undefined) {
    throw new HttpError(
      'HTTP_PRECONDITION_UNSUPPORTED',
      'use If-Match: times are too coarse to guard a write',
    )
  }
  if (ifMatch === undefined && ifNoneMatch === undefined) return NONE
  return { ...absence(ifNoneMatch), ...versions(ifMatch) }
}

function absence(ifNoneMatch: string | undefined): Precondition {
  if (ifNoneMatch === undefined) return NONE
  if (ifNoneMatch.trim() === '*') return { ifAbsent: true }
  throw new HttpError('HTTP_PRECONDITION_UNSUPPORTED', 'a write takes If-None-Match: * only, or If-Match')
}

function versions(ifMatch: string | undefined): Precondition {
  if (ifMatch === undefined) return NONE
  const tags = parseEtagList(ifMatch)
  if (tags === undefined) throw new HttpError('HTTP_REQUEST_MALFORMED', 'If-Match takes * or quoted versions')
  if (tags === '*') return { ifVersion: '*' }
  return { ifVersion: tags.filter((tag) => !tag.weak).map((tag) => tag.value) }
}
