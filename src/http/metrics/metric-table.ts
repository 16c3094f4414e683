/**
 * Every metric of ours in one list: what is scraped, its type, its labels, and what docs/reference/metrics.md says.
 *
 * Label values come from closed sets (message type, reason code, member state), not from peers or clients, so that no
 * stranger can grow the exposition; the one exception names at most 128 live members. Process and Node metrics come from prom-client under their usual names.
 */

import { ALERTMANAGER_METRICS, type AlertmanagerMetricName } from './alertmanager-metric-table.ts'
import { counter, gauge, histogram, type MetricDescriptor } from './metric-descriptor.ts'

export type MetricName =
  | AlertmanagerMetricName
  | 'hearsay_build_info'
  | 'hearsay_ready'
  | 'hearsay_http_requests_total'
  | 'hearsay_http_problems_total'
  | 'hearsay_http_refused_total'
  | 'hearsay_http_connections'
  | 'hearsay_http_requests_in_flight'
  | 'hearsay_http_body_bytes'
  | 'hearsay_http_authentications_total'
  | 'hearsay_http_password_checks_waiting'
  | 'hearsay_http_tls_refused_total'
  | 'hearsay_http_certificate_expiry_timestamp_seconds'
  | 'hearsay_web_config_last_reload_successful'
  | 'hearsay_web_config_last_reload_success_timestamp_seconds'
  | 'hearsay_watch_open'
  | 'hearsay_watch_waiting'
  | 'hearsay_watch_events_sent_total'
  | 'hearsay_watch_gaps_total'
  | 'hearsay_watch_unsent_bytes'
  | 'hearsay_watch_evicted_total'
  | 'hearsay_watch_refused_total'
  | 'hearsay_watch_log_changes'
  | 'hearsay_watch_log_bytes'
  | 'hearsay_cluster_members'
  | 'hearsay_cluster_health_score'
  | 'hearsay_cluster_settled'
  | 'hearsay_propagation_seconds'
  | 'hearsay_merges_total'
  | 'hearsay_merge_changes_total'
  | 'hearsay_cluster_paths'
  | 'hearsay_cluster_shared_names'
  | 'hearsay_clock_fenced'
  | 'hearsay_peer_clock_offset_seconds'
  | 'hearsay_gossip_packets_total'
  | 'hearsay_gossip_streams_total'
  | 'hearsay_gossip_streams_open'
  | 'hearsay_gossip_stream_memory_bytes'
  | 'hearsay_gossip_bytes_total'
  | 'hearsay_gossip_messages_total'
  | 'hearsay_gossip_push_pull_seconds'
  | 'hearsay_gossip_dropped_total'
  | 'hearsay_gossip_events_total'
  | 'hearsay_gossip_queue_messages'
  | 'hearsay_gossip_queue_bytes'
  | 'hearsay_gossip_queue_dropped_total'
  | 'hearsay_gossip_queue_oldest_seconds'
  | 'hearsay_gossip_outbox_messages'
  | 'hearsay_gossip_outbox_bytes'
  | 'hearsay_gossip_lost_peers'
  | 'hearsay_gossip_keys'
  | 'hearsay_gossip_key_file_last_reload_successful'
  | 'hearsay_gossip_key_file_last_reload_success_timestamp_seconds'
  | 'hearsay_replication_dropped_total'
  | 'hearsay_sync_sessions'
  | 'hearsay_sync_events_total'
  | 'hearsay_acks_waiting'
  | 'hearsay_acks_total'
  | 'hearsay_store_entries'
  | 'hearsay_store_tombstones'
  | 'hearsay_store_husks'
  | 'hearsay_store_oldest_tombstone_timestamp_seconds'
  | 'hearsay_store_collected_total'
  | 'hearsay_store_collected_early_total'
  | 'hearsay_store_parked'
  | 'hearsay_store_parked_refused_total'
  | 'hearsay_store_entries_refused_total'
  | 'hearsay_store_set_members'
  | 'hearsay_store_records'
  | 'hearsay_store_context_actors'
  | 'hearsay_store_context_holes'
  | 'hearsay_store_batches_total'
  | 'hearsay_store_batch_ops_total'
  | 'hearsay_store_last_batch_seconds'
  | 'hearsay_store_batch_seconds'
  | 'hearsay_store_write_errors_total'
  | 'hearsay_store_reopens_total'
  | 'hearsay_store_damaged_records'
  | 'hearsay_store_damaged_copies'
  | 'hearsay_store_awaiting_peers'
  | 'hearsay_store_refusing_writes'
  | 'hearsay_store_disk_free_bytes'
  | 'hearsay_store_disk_bytes'
  | 'hearsay_nflog_recorded_total'
  | 'hearsay_notifications_total'
  | 'hearsay_notification_attempts_total'
  | 'hearsay_notifications_running'
  | 'hearsay_claims'
  | 'hearsay_claims_total'
  | 'hearsay_claim_events_total'
  | 'hearsay_silences_quarantined'
  | 'hearsay_silences_refused_total'
  | 'hearsay_alerts_refused_total'
  | 'hearsay_alerts_bytes'

export const METRIC_TABLE: { readonly [Name in MetricName]: MetricDescriptor } = {
  ...ALERTMANAGER_METRICS,
  hearsay_build_info: gauge('Always 1; the labels say what runs', 'version', 'node_version'),
  hearsay_ready: gauge('1 when /-/ready answers 200'),
  hearsay_http_requests_total: counter('HTTP requests', 'method'),
  hearsay_http_problems_total: counter('Requests that were answered with a problem', 'code'),
  hearsay_http_refused_total: counter('Requests and connections that a guard refused or cut off', 'reason'),
  hearsay_http_connections: gauge('Client connections that are open'),
  hearsay_http_requests_in_flight: gauge(
    'Requests that wait for their answers; watches and reads of single values left out',
  ),
  hearsay_http_body_bytes: gauge('Bytes of request bodies above 16 KiB in memory'),
  hearsay_http_authentications_total: counter(
    'Requests by whether they were let in: allowed, missing (nobody said who asks), refused, busy (passwords cannot be checked just now)',
    'outcome',
  ),
  hearsay_http_password_checks_waiting: gauge('Passwords that wait to be checked; at most 64'),
  hearsay_http_tls_refused_total: counter(
    'Connections refused by TLS: handshake, or certificate (a client that may not come in)',
    'reason',
  ),
  hearsay_http_certificate_expiry_timestamp_seconds: gauge('When the certificate of HTTP expires'),
  hearsay_web_config_last_reload_successful: gauge('1 while the content of the web config is in use'),
  hearsay_web_config_last_reload_success_timestamp_seconds: gauge(
    'When the web config was last found usable',
  ),
  hearsay_watch_open: gauge('Watches over HTTP that are open', 'kind'),
  hearsay_watch_waiting: gauge('Readers that wait for the next change, those of the library included'),
  hearsay_watch_events_sent_total: counter('Events written to streams'),
  hearsay_watch_gaps_total: counter('Readers told that they missed changes, those of the library included'),
  hearsay_watch_unsent_bytes: gauge('Bytes written to streams that their readers have not taken'),
  hearsay_watch_evicted_total: counter('Streams cut off because of their readers', 'reason'),
  hearsay_watch_refused_total: counter('Watches refused because as many are open as may be', 'limit'),
  hearsay_watch_log_changes: gauge('Changes that a reader can go back to'),
  hearsay_watch_log_bytes: gauge('Bytes of keys and values in them'),
  hearsay_cluster_members: gauge('Members known, self included', 'state', 'class'),
  hearsay_cluster_health_score: gauge('Awareness score of this process; 0 is healthy'),
  hearsay_cluster_settled: gauge('1 once the first exchanges after start are complete'),
  hearsay_propagation_seconds: histogram(
    'From the stamp of a write of another replica to its merge here, its sync to disk there included; by way (gossip is news, sync is what was missed) and by what it is: entries are corrected for the clock of their writer, records are not',
    'way',
    'what',
  ),
  hearsay_merges_total: counter(
    'Deltas of others that were merged, and whether they were news',
    'way',
    'result',
  ),
  hearsay_merge_changes_total: counter('Keys, elements and records that these changed', 'way'),
  hearsay_cluster_paths: gauge('Live members by how a way to them does', 'transport', 'state'),
  hearsay_cluster_shared_names: gauge(
    'Names that two processes go by: our own, and those of others',
    'whose',
  ),
  hearsay_clock_fenced: gauge('1 while writes are refused because the clock of this machine is wrong'),
  hearsay_peer_clock_offset_seconds: gauge('Wall clock of a live hearsay member minus ours', 'peer'),
  hearsay_gossip_packets_total: counter('Datagrams', 'outcome'),
  hearsay_gossip_streams_total: counter('TCP connections', 'outcome'),
  hearsay_gossip_streams_open: gauge('TCP connections open now', 'direction'),
  hearsay_gossip_stream_memory_bytes: gauge('Memory held by TCP connections that are being read or answered'),
  hearsay_gossip_bytes_total: counter('Bytes of datagrams and streams', 'transport', 'direction'),
  hearsay_gossip_messages_total: counter('Messages, after packets are split', 'type', 'direction'),
  hearsay_gossip_push_pull_seconds: histogram('Push-pulls begun here, until their answer was merged'),
  hearsay_gossip_dropped_total: counter('Received input that was dropped', 'reason'),
  hearsay_gossip_events_total: counter('What the membership machine and its driver noted', 'event'),
  hearsay_gossip_queue_messages: gauge('Broadcasts that wait or are being repeated', 'queue'),
  hearsay_gossip_queue_bytes: gauge('Bytes they hold', 'queue'),
  hearsay_gossip_queue_dropped_total: counter('Broadcasts dropped for the byte bound', 'queue'),
  hearsay_gossip_queue_oldest_seconds: gauge(
    'Age of the oldest broadcast that waits or is being repeated',
    'queue',
  ),
  hearsay_gossip_outbox_messages: gauge('Reliable messages that wait for a stream'),
  hearsay_gossip_outbox_bytes: gauge('Bytes they hold'),
  hearsay_gossip_lost_peers: gauge('Dead or remembered members that are still called on'),
  hearsay_gossip_keys: gauge('Keys of the gossip keyring; 0 while gossip is plaintext'),
  hearsay_gossip_key_file_last_reload_successful: gauge('1 while the content of the key file is in use'),
  hearsay_gossip_key_file_last_reload_success_timestamp_seconds: gauge(
    'When the content of the key file was last taken into the keyring',
  ),
  hearsay_replication_dropped_total: counter('Records and frames of peers that were dropped', 'reason'),
  hearsay_sync_sessions: gauge('Sessions of anti-entropy that are running'),
  hearsay_sync_events_total: counter('Sessions, exchanges, chunks, lines and bytes of anti-entropy', 'event'),
  hearsay_acks_waiting: gauge('Writes that wait for the disks of other replicas'),
  hearsay_acks_total: counter('Such writes, and answers that came when nobody waited any more', 'outcome'),
  hearsay_store_entries: gauge('Entries that hold a value and are not expired'),
  hearsay_store_tombstones: gauge('Deleted entries within their grace'),
  hearsay_store_husks: gauge('Expired entries within their grace, without their values'),
  hearsay_store_oldest_tombstone_timestamp_seconds: gauge('When the oldest of these was deleted or expired'),
  hearsay_store_collected_total: counter('Deleted and expired entries that were forgotten'),
  hearsay_store_collected_early_total: counter(
    'Of these, the ones forgotten within their grace for want of room',
  ),
  hearsay_store_parked: gauge('Writes stamped too far ahead that wait until they are due'),
  hearsay_store_parked_refused_total: counter('Such writes refused for want of room'),
  hearsay_store_entries_refused_total: counter(
    'Writes refused because the store holds as many entries as it may',
  ),
  hearsay_store_set_members: gauge('Elements of all sets'),
  hearsay_store_records: gauge('Silences and notification log records'),
  hearsay_store_context_actors: gauge('Actors in the causal context'),
  hearsay_store_context_holes: gauge('Dots known beyond a gap'),
  hearsay_store_batches_total: counter('Synced batch writes'),
  hearsay_store_batch_ops_total: counter('Operations in them'),
  hearsay_store_last_batch_seconds: gauge('Duration of the last synced batch write'),
  hearsay_store_batch_seconds: histogram(
    'Synced batch writes: write and fsync, which the database does in one',
  ),
  hearsay_store_write_errors_total: counter('Batch writes that failed'),
  hearsay_store_reopens_total: counter('Reopenings after a write error'),
  hearsay_store_damaged_records: gauge('Records left out at start because their checksum was wrong'),
  hearsay_store_damaged_copies: gauge(
    'Databases that failed their checks and were set aside; at most 2 are kept',
  ),
  hearsay_store_awaiting_peers: gauge(
    '1 while a replica that has lost something waits for the state of a peer',
  ),
  hearsay_store_refusing_writes: gauge('1 while writes are refused'),
  hearsay_store_disk_free_bytes: gauge('Free for this process on the file system of the store'),
  hearsay_store_disk_bytes: gauge('Size of that file system'),
  hearsay_silences_quarantined: gauge('Silences of peers that are held back and have not ended'),
  hearsay_silences_refused_total: counter('Silences asked for here that a limit refused', 'code'),
  hearsay_nflog_recorded_total: counter('Notifications logged by this replica'),
  hearsay_notifications_total: counter('Flushes that are over, and how they ended', 'outcome', 'reason'),
  hearsay_notification_attempts_total: counter('Sends that `once` has begun and that are over', 'outcome'),
  hearsay_notifications_running: gauge('Flushes and claims of others that are not over'),
  hearsay_claims: gauge('Claims that are held: by this replica, and by others as far as it knows', 'holder'),
  hearsay_claims_total: counter('Claims that were asked for over HTTP', 'outcome'),
  hearsay_claim_events_total: counter(
    'What the notifier sent, heard and noted; each event is explained in notifications.md',
    'event',
  ),
  hearsay_alerts_refused_total: counter('Of these, the ones for which there was no room'),
  hearsay_alerts_bytes: gauge('What the alerts held here take, as limited'),
}

export const METRIC_NAMES: readonly MetricName[] = Object.keys(METRIC_TABLE) as MetricName[]
