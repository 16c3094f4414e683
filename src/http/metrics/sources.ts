/**
 * Readers from what the rooms report to samples. Values from peers never become labels, save the names of live members
 * beside their clocks, which are bounded in number where they come from.
 */
import type { Alerts } from '../../alerting/alerts.ts'
import type { NotificationLogStats } from '../../alerting/notification-log.ts'
import type { Silences } from '../../alerting/silences.ts'
import type { GossipStats } from '../../gossip/io/gossip.ts'
import type { WriteConcernStats } from '../../store/core/acknowledgement.ts'
import type { StoreStatus } from '../../store/state-store.ts'
import type { ClusterMember, ClusterView, HealthView } from '../facades.ts'
import type { MetricName } from './metric-table.ts'
import type { AnySample, Sample } from './registry.ts'

type Labels = Readonly<Record<string, string>>

export function* buildSamples(version: string): Iterable<Sample> {
  yield { name: 'hearsay_build_info', value: 1, labels: { version, node_version: process.version } }
}

export function* healthSamples(health: HealthView): Iterable<Sample> {
  yield { name: 'hearsay_ready', value: health.ready().ready ? 1 : 0 }
}

const MEMBER_STATES = ['alive', 'suspect', 'dead', 'left'] as const
const PATH_STATES = ['unknown', 'ok', 'failing'] as const

function* pathSamples(members: readonly ClusterMember[]): Iterable<Sample> {
  for (const transport of ['udp', 'tcp'] as const) {
    for (const state of PATH_STATES) {
      const value = members.filter((member) => member[transport]?.state === state).length
      yield { name: 'hearsay_cluster_paths', value, labels: { transport, state } }
    }
  }
}

export function* clusterSamples(cluster: ClusterView): Iterable<Sample> {
  const shared = cluster.sharedNames()
  for (const whose of ['own', 'others']) {
    const value = shared.filter(({ isSelf }) => isSelf === (whose === 'own')).length
    yield { name: 'hearsay_cluster_shared_names', value, labels: { whose } }
  }
  const members = cluster.members()
  yield* pathSamples(members)
  yield { name: 'hearsay_cluster_health_score', value: cluster.healthScore() }
  yield { name: 'hearsay_cluster_settled', value: cluster.settled() ? 1 : 0 }
  for (const state of MEMBER_STATES) {
    for (const peerClass of ['native', 'foreign'] as const) {
      const value = members.filter((member) => member.state === state && member.class === peerClass).length
      yield { name: 'hearsay_cluster_members', value, labels: { state, class: peerClass } }
    }
  }
}

/** @param offsetsMs wall clocks of peers minus ours, by name */
export function* clockSamples(fenced: boolean, offsetsMs: ReadonlyMap<string, number>): Iterable<Sample> {
  yield { name: 'hearsay_clock_fenced', value: fenced ? 1 : 0 }
  for (const [peer, offsetMs] of offsetsMs) {
    yield { name: 'hearsay_peer_clock_offset_seconds', value: offsetMs / 1000, labels: { peer } }
  }
}

export function* storeSamples(status: StoreStatus): Iterable<AnySample> {
  yield { name: 'hearsay_store_entries', value: status.entries }
  yield { name: 'hearsay_store_tombstones', value: status.tombstones }
  yield { name: 'hearsay_store_husks', value: status.husks }
  if (status.oldestTombstoneMs !== undefined) {
    yield { name: 'hearsay_store_oldest_tombstone_timestamp_seconds', value: status.oldestTombstoneMs / 1000 }
  }
  yield { name: 'hearsay_store_collected_total', value: status.collected }
  yield { name: 'hearsay_store_collected_early_total', value: status.collectedEarly }
  yield { name: 'hearsay_store_parked', value: status.parked }
  yield { name: 'hearsay_store_parked_refused_total', value: status.parkedRefused }
  yield { name: 'hearsay_store_entries_refused_total', value: status.entriesRefused }
  yield { name: 'hearsay_store_set_members', value: status.setMembers }
  yield { name: 'hearsay_store_records', value: status.records }
  yield { name: 'hearsay_store_context_actors', value: status.contextActors }
  yield { name: 'hearsay_store_context_holes', value: status.contextHoles }
  yield { name: 'hearsay_store_batches_total', value: status.batches }
  yield { name: 'hearsay_store_batch_ops_total', value: status.batchOps }
  yield { name: 'hearsay_store_last_batch_seconds', value: status.lastBatchMs / 1000 }
  yield { name: 'hearsay_store_batch_seconds', histogram: status.batchSeconds }
  yield { name: 'hearsay_store_write_errors_total', value: status.writeErrors }
  yield { name: 'hearsay_store_reopens_total', value: status.reopens }
  yield { name: 'hearsay_store_damaged_records', value: status.damagedRecords }
  yield { name: 'hearsay_store_damaged_copies', value: status.damagedCopies }
  yield { name: 'hearsay_store_awaiting_peers', value: status.awaitingPeers === undefined ? 0 : 1 }
  yield { name: 'hearsay_store_refusing_writes', value: status.refusing === undefined ? 0 : 1 }
}

export function* ackSamples(stats: WriteConcernStats): Iterable<Sample> {
  yield { name: 'hearsay_acks_waiting', value: stats.waiting }
  const outcomes = { reached: stats.reached, not_reached: stats.notReached, late_answer: stats.late }
  for (const [outcome, value] of Object.entries(outcomes)) {
    yield { name: 'hearsay_acks_total', value, labels: { outcome } }
  }
}

export function* silenceSamples(silences: Silences): Iterable<Sample> {
  for (const [state, value] of Object.entries(silences.counts())) {
    yield { name: 'alertmanager_silences', value, labels: { state } }
  }
  yield { name: 'alertmanager_silences_queries_total', value: silences.lookups.all }
  yield { name: 'alertmanager_silences_query_errors_total', value: silences.lookups.unknown }
  yield { name: 'hearsay_silences_quarantined', value: silences.quarantine.size }
  yield* tallied('hearsay_silences_refused_total', 'code', silences.refused())
}

/** @param stats of the notifier, which reads the log by itself */
export function* notificationSamples(log: NotificationLogStats, stats: Counts): Iterable<Sample> {
  const { decisions_by_entry: found = 0, decisions_without_entry: notFound = 0 } = stats
  yield { name: 'alertmanager_nflog_queries_total', value: log.queries + found + notFound }
  yield { name: 'alertmanager_nflog_query_errors_total', value: log.queryErrors + notFound }
  yield { name: 'hearsay_nflog_recorded_total', value: log.recorded }
}

const FLUSH_STAT = /^flushes_(sent|skipped|failed)_(.+)$/
/** Readers of their own give them. */
const OTHERS_STAT = /^(claims_own|alarms|(decisions|attempts)_\w+)$/
const CLAIM_STAT = /^claims_(held|denied|newer-entry|timeout|closed|left|overloaded)$/

/** @param stats counters of the notifier, and how many contenders, claims and alarms there are */
export function* notifierSamples(stats: Counts): Iterable<Sample> {
  const { contenders = 0, claims_own_held: own = 0, claims_peers: peers = 0, ...counts } = stats
  yield { name: 'hearsay_notifications_running', value: contenders }
  for (const outcome of ['ok', 'failed']) {
    const value = counts[`attempts_${outcome}`] ?? 0
    yield { name: 'hearsay_notification_attempts_total', value, labels: { outcome } }
  }
  yield { name: 'hearsay_claims', value: own, labels: { holder: 'self' } }
  yield { name: 'hearsay_claims', value: peers, labels: { holder: 'others' } }
  for (const [name, value] of Object.entries(counts)) {
    const [, outcome = '', reason = ''] = FLUSH_STAT.exec(name) ?? []
    const [, asked] = CLAIM_STAT.exec(name) ?? []
    if (OTHERS_STAT.test(name)) continue
    if (outcome !== '') yield { name: 'hearsay_notifications_total', value, labels: { outcome, reason } }
    else if (asked !== undefined) yield { name: 'hearsay_claims_total', value, labels: { outcome: asked } }
    else yield { name: 'hearsay_claim_events_total', value, labels: { event: name } }
  }
}

/** `version` is that of the interface, as Alertmanager labels them. */
export function* alertSamples(alerts: Alerts): Iterable<Sample> {
  const states = { ...alerts.counts(), unprocessed: 0 }
  for (const [state, value] of Object.entries(states)) {
    yield { name: 'alertmanager_alerts', value, labels: { state } }
    yield { name: 'alertmanager_marked_alerts', value, labels: { state } }
  }
  const { receivedFiring: firing, receivedResolved: resolved, invalid, refused, bytes } = alerts.stats
  for (const [status, value] of Object.entries({ firing, resolved })) {
    yield { name: 'alertmanager_alerts_received_total', value, labels: { status, version: 'v2' } }
  }
  yield { name: 'alertmanager_alerts_invalid_total', value: invalid, labels: { version: 'v2' } }
  yield { name: 'hearsay_alerts_refused_total', value: refused }
  yield { name: 'hearsay_alerts_bytes', value: bytes }
}

type Counts = Readonly<Record<string, number>>

/** Entries of a tally whose names are byte counts are told apart by this ending. */
const BYTES_ENDING = '-bytes'

/** There from the start, since alerts look for their first increase. */
const WATCHED_EVENTS: Counts = {
  member_suspect: 0,
  member_alive: 0,
  member_dead: 0,
  accusation_refuted: 0,
  push_pull_done: 0,
  push_pull_failed: 0,
}

/** There from the start, since docs/encryption.md says to watch them; all others with their first count. */
const WATCHED_DROPS: Counts = {
  undecryptable: 0,
  'plaintext-refused': 0,
  'encrypted-without-key': 0,
  'label-mismatch': 0,
}

/** @param nowMs monotonic, as the times in `stats` */
export function* gossipSamples(stats: GossipStats, nowMs: number): Iterable<AnySample> {
  yield* tallied('hearsay_gossip_packets_total', 'outcome', { plaintext: 0, ...withoutBytes(stats.packets) })
  yield* tallied('hearsay_gossip_streams_total', 'outcome', { plaintext: 0, ...withoutBytes(stats.streams) })
  yield* byteSamples('udp', stats.packets)
  yield* byteSamples('tcp', stats.streams)
  yield { name: 'hearsay_gossip_streams_open', value: stats.inboundOpen, labels: { direction: 'received' } }
  yield { name: 'hearsay_gossip_streams_open', value: stats.outboundOpen, labels: { direction: 'sent' } }
  yield { name: 'hearsay_gossip_stream_memory_bytes', value: stats.streamMemoryBytes }
  yield* tallied('hearsay_gossip_messages_total', 'type', stats.sent, { direction: 'sent' })
  yield* tallied('hearsay_gossip_messages_total', 'type', stats.received, { direction: 'received' })
  yield* tallied('hearsay_gossip_dropped_total', 'reason', { ...WATCHED_DROPS, ...stats.drops })
  yield* tallied('hearsay_gossip_events_total', 'event', { ...WATCHED_EVENTS, ...stats.events })
  yield { name: 'hearsay_gossip_outbox_messages', value: stats.outbox.messages }
  yield { name: 'hearsay_gossip_outbox_bytes', value: stats.outbox.bytes }
  yield { name: 'hearsay_gossip_push_pull_seconds', histogram: stats.pushPullSeconds }
  yield { name: 'hearsay_gossip_lost_peers', value: stats.remembered }
  for (const [queue, { messages, bytes, dropped, oldestAtMs = nowMs }] of Object.entries(
    stats.machine?.queues ?? {},
  )) {
    yield { name: 'hearsay_gossip_queue_messages', value: messages, labels: { queue } }
    yield { name: 'hearsay_gossip_queue_bytes', value: bytes, labels: { queue } }
    yield { name: 'hearsay_gossip_queue_dropped_total', value: dropped, labels: { queue } }
    yield {
      name: 'hearsay_gossip_queue_oldest_seconds',
      value: (nowMs - oldestAtMs) / 1000,
      labels: { queue },
    }
  }
}

/** What the replication delegate left out, by reason code. */
export function* replicationSamples(dropped: Iterable<readonly [string, number]>): Iterable<Sample> {
  yield* tallied('hearsay_replication_dropped_total', 'reason', Object.fromEntries(dropped))
}

/** @param stats counters by name, and `sessions`, those running just now */
export function* syncSamples({ sessions = 0, ...events }: Counts): Iterable<Sample> {
  yield { name: 'hearsay_sync_sessions', value: sessions }
  yield* tallied('hearsay_sync_events_total', 'event', events)
}

function* tallied(name: MetricName, label: string, counts: Counts, others: Labels = {}): Iterable<Sample> {
  for (const [key, value] of Object.entries(counts))
    yield { name, value, labels: { ...others, [label]: key } }
}

function* byteSamples(transport: string, counts: Counts): Iterable<Sample> {
  for (const direction of ['sent', 'received']) {
    const value = counts[direction + BYTES_ENDING] ?? 0
    yield { name: 'hearsay_gossip_bytes_total', value, labels: { transport, direction } }
  }
}

function withoutBytes(counts: Counts): Counts {
  return Object.fromEntries(Object.entries(counts).filter(([name]) => !name.endsWith(BYTES_ENDING)))
}
