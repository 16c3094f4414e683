/**
 * One line of a push-pull's member list, to and from its msgpack map.
 *
 * A record that reads well but means nothing usable (no name, an odd address, versions that are not six bytes, a state
 * nobody knows) is refused alone; its neighbours stay.
 */
import { assert } from '../../base/assert.ts'
import type { NodeLiveness, NodeRecord } from '../core/messages.ts'
import type { DropReason } from './drop-reason.ts'
import { MsgpackCursor } from './msgpack-cursor.ts'
import { encodedKey, type MsgpackWriter } from './msgpack-writer.ts'
import { bytesField, type Layout, nameField, readStruct, uintField } from './struct-layout.ts'

export const U16_MAX = 0xffff
export const U32_MAX = 0xffff_ffff
/** Minimum, maximum and current of the protocol and of the delegate. */
export const VSN_BYTES = 6

const LIVENESS: readonly NodeLiveness[] = ['alive', 'suspect', 'dead', 'left']
const EMPTY = new Uint8Array(0)

interface NodeBody {
  name: string
  addr: Uint8Array
  port: number
  meta: Uint8Array
  incarnation: number
  state: number
  vsn: Uint8Array
}

const LAYOUT: Layout<NodeBody> = [
  nameField('Name', 'name'),
  bytesField('Addr', 'addr'),
  uintField('Port', 'port', U16_MAX),
  bytesField('Meta', 'meta'),
  uintField('Incarnation', 'incarnation', U32_MAX),
  uintField('State', 'state', U32_MAX),
  bytesField('Vsn', 'vsn'),
]

const KEY = {
  addr: encodedKey('Addr'),
  incarnation: encodedKey('Incarnation'),
  meta: encodedKey('Meta'),
  name: encodedKey('Name'),
  port: encodedKey('Port'),
  state: encodedKey('State'),
  vsn: encodedKey('Vsn'),
}

export function isAddressLength(length: number): boolean {
  return length === 4 || length === 16
}

export function writeNodeRecord(writer: MsgpackWriter, record: NodeRecord): void {
  assert(
    record.vsn.length === VSN_BYTES,
    'versions are six bytes: other lengths crash memberlist up to v0.6.0',
  )
  writer.mapHead(7).verbatim(KEY.addr).rawOrNil(record.endpoint.addr)
  writer.verbatim(KEY.incarnation).uint(record.incarnation)
  writer.verbatim(KEY.meta).rawOrNil(record.meta)
  writer.verbatim(KEY.name).text(record.name)
  writer.verbatim(KEY.port).uint(record.endpoint.port)
  writer.verbatim(KEY.state).uint(LIVENESS.indexOf(record.liveness))
  writer.verbatim(KEY.vsn).rawOrNil(record.vsn)
}

/** Reads the record that fills [start, end). */
export function readNodeRecord(bytes: Uint8Array, start: number, end: number): NodeRecord | DropReason {
  const cursor = new MsgpackCursor(bytes, start, end)
  const body: NodeBody = { name: '', addr: EMPTY, port: 0, meta: EMPTY, incarnation: 0, state: 0, vsn: EMPTY }
  readStruct(cursor, LAYOUT, body)
  if (cursor.failure !== undefined) return cursor.failure
  if (body.name === '') return 'name-empty'
  if (!isAddressLength(body.addr.length)) return 'address-length'
  if (body.vsn.length !== VSN_BYTES) return 'vsn-length'
  const liveness = LIVENESS[body.state]
  if (liveness === undefined) return 'unknown-state'
  return {
    name: body.name,
    endpoint: { addr: body.addr, port: body.port },
    meta: body.meta,
    incarnation: body.incarnation,
    liveness,
    vsn: body.vsn,
  }
}
