/**
 * Entries of the notification log under the laws of a join, as they come from peers: each judged and brought into its
 * canonical form first. So replicas agree whatever the bytes looked like on the way: hashes packed or one by one, receiver
 * data in any order, timestamps that tie.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { EntrySchema, MeshEntrySchema } from '../../src/alerting/core/alertmanager_pb.ts'
import { instantFromNanos } from '../../src/alerting/core/nanos.ts'
import { admitNotification } from '../../src/alerting/core/notification-admission.ts'
import { utf8Encode } from '../../src/base/bytes.ts'
import { CausalContext } from '../../src/crdt/context.ts'
import type { RecordPut } from '../../src/store/core/delta.ts'
import { RecordTables } from '../../src/store/core/record-tables.ts'
import { canonicalState } from '../../src/testing/canonical-state.ts'
import { runCrdtLaws } from './crdt-laws.ts'
import { FAR_MS } from './replica.ts'

const data = fc.record({
  key: fc.constantFrom('a', 'b'),
  value: fc.constantFrom(
    { value: { case: 'strVal' as const, value: '1' } },
    { value: { case: 'intVal' as const, value: 1n } },
    { value: { case: 'doubleVal' as const, value: 1 } },
  ),
})

/** Few values, so that keys and versions collide. */
const wire: fc.Arbitrary<Uint8Array> = fc
  .record({
    groupKey: fc.constantFrom('{}:{}', '{}:{a="b"}').map(utf8Encode),
    idx: fc.integer({ min: 0, max: 1 }),
    timestampNs: fc.bigInt({ min: 0n, max: 2n }),
    firing: fc.array(fc.bigInt({ min: 0n, max: 2n }), { maxLength: 2 }),
    receiverData: fc.array(data, { maxLength: 3 }),
    expiresMs: fc.integer({ min: FAR_MS, max: FAR_MS + 1 }),
  })
  .map(({ groupKey, idx, timestampNs, firing, receiverData, expiresMs }) => {
    const entry = create(EntrySchema, {
      groupKey,
      receiver: { groupName: 'wh', integration: 'webhook', idx },
      timestamp: instantFromNanos(timestampNs),
      firingAlerts: firing,
      receiverData,
    })
    const expiresAt = instantFromNanos(BigInt(expiresMs) * 1_000_000n)
    return toBinary(MeshEntrySchema, create(MeshEntrySchema, { entry, expiresAt }))
  })

function admitted(bytes: Uint8Array): RecordPut {
  const admission = admitNotification(bytes)
  if (admission.verdict !== 'accepted') throw new Error(`not accepted: ${admission.verdict}`)
  return admission.put
}

function tablesOf(puts: Iterable<RecordPut>): RecordTables {
  const tables = new RecordTables()
  for (const put of puts) tables.join(put)
  return tables
}

const replicas = fc.array(wire, { maxLength: 12 }).map((list) => tablesOf(list.map(admitted)))

runCrdtLaws<RecordTables>({
  name: 'notification log',
  states: fc.tuple(replicas, replicas, replicas),
  join: (a, b) => tablesOf([...a.puts(), ...b.puts()]),
  text: (tables) =>
    canonicalState({ context: new CausalContext(), puts: [], adds: [], records: [...tables.puts()] }),
  // As a peer would judge what we send it.
  roundTrip: (tables) => tablesOf([...tables.puts()].map(({ record }) => admitted(record.bytes))),
})
