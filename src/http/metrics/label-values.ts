/**
 * What labels can say, where a name alone does not tell. Every set is closed: a value comes from this program, never from a
 * peer or client. docs/reference/metrics.md is made from this; a test compares it with the code.
 */
import type { MetricName } from './metric-table.ts'

export interface LabelValues {
  readonly metric: MetricName
  readonly label: string
  readonly values: Readonly<Record<string, string>>
}

export const LABEL_VALUES: readonly LabelValues[] = [
  {
    metric: 'hearsay_merges_total',
    label: 'way',
    values: {
      gossip: 'spread as it happened, acknowledged writes and claims among it',
      sync: 'found missing by anti-entropy',
      foreign: 'in the words of an Alertmanager',
    },
  },
  {
    metric: 'hearsay_propagation_seconds',
    label: 'what',
    values: {
      entry: 'values of maps; the clock of their writer is taken out while it is known',
      record: 'silences and notification log entries, which do not say who wrote them',
    },
  },
  {
    metric: 'hearsay_gossip_packets_total',
    label: 'outcome',
    values: {
      sent: 'datagrams sent',
      received: 'datagrams received',
      'send-failed': 'not taken by the host',
      plaintext: 'taken although we hold a key, while a cluster is moved to encryption',
    },
  },
  {
    metric: 'hearsay_gossip_streams_total',
    label: 'outcome',
    values: {
      accepted: 'connections of others',
      dialled: 'connections of ours',
      refused: 'over a limit',
      silent: 'closed without a byte',
      failed: 'ended before an answer',
      'timed-out': 'took longer than they may',
      stalled: 'stood still',
      plaintext: 'as above',
    },
  },
  {
    metric: 'hearsay_gossip_dropped_total',
    label: 'reason',
    values: {
      undecryptable: 'no key of ours opens it',
      'plaintext-refused': 'plaintext, and we hold a key',
      'encrypted-without-key': 'encrypted, and we hold none',
      'padding-malformed': 'encrypted under a key of ours, with bad padding',
      'label-mismatch': 'of another cluster',
      'label-empty': 'a label of no bytes',
      'label-truncated': 'a label cut short',
      empty: 'no bytes',
      'empty-part': 'a part of no bytes',
      truncated: 'ended before what it announced',
      'crc-mismatch': 'its checksum is wrong',
      'unknown-type': 'no such message, or not in this place',
      'unknown-compression': 'another compression than LZW',
      'lzw-malformed': 'LZW that cannot be read',
      'msgpack-malformed': 'MessagePack that cannot be read',
      'field-type': 'a field of another type',
      'field-range': 'a field out of its range',
      'too-deep': 'frames in frames',
      'too-many-parts': 'more parts than a packet may have',
      'too-many-pings': 'more pings than a packet may have',
      'too-many-nodes': 'more members than a state may have',
      'too-large': 'more bytes than a limit allows',
      'vsn-length': 'protocol versions that are not six bytes',
      'address-length': 'neither IPv4 nor IPv6',
      'name-empty': 'a member without a name',
      'name-too-long': 'a name that is too long',
      'name-not-utf8': 'a name that is no text',
      'name-control': 'a name with control characters',
      'unknown-state': 'a member in no state that there is',
      'unasked-reply': 'an answer that nobody asked for',
      echoed: 'our own bytes, sent back',
      'stream-cut-off': 'a stream that ended within a message',
      'stream-too-slow': 'a large message that came too slowly while others waited for its room',
      'stream-displaced': 'a stream closed to make room for that of a member',
      'answer-without-room': 'an answer of ours that there was no memory for; its peer tries again',
    },
  },
  {
    metric: 'hearsay_gossip_events_total',
    label: 'event',
    values: {
      push_pull_done: 'a state exchange of ours was complete',
      push_pull_failed: 'it was not',
      reconnected: 'a lost member was reached again',
      reconnect_failed: 'it was not',
      refresh_joined: 'a configured peer was joined by the refresh',
      refresh_failed: 'it was not',
      reliable_delivered: 'a message by stream arrived',
      reliable_failed: 'it did not',
      reliable_overflow: 'it was dropped for the bound of the outbox',
      stranger_asked: 'somebody else listened where a member was, and was asked who it is',
      own_name_refused: 'a peer told that our name is taken',
    },
  },
  {
    metric: 'hearsay_replication_dropped_total',
    label: 'reason',
    values: {
      RECORD_EMPTY: 'a record without content',
      RECORD_MALFORMED: 'a record that cannot be read',
      RECORD_TOO_LARGE: 'a record over the limit',
      IDENTITY_INVALID: 'a record whose name is not what it holds',
      INSTANT_INVALID: 'a record with a time that is none',
      TABLE_UNKNOWN: 'a record of no table of ours',
      foreign_message: 'an update of an Alertmanager, where none are taken',
      notification_data_too_large: 'receiver data over the limit',
      notification_entry_not_acknowledged: 'an entry that the replicas did not acknowledge in time',
    },
  },
]
