/**
 * The metrics that have Alertmanager's own names, because they mean the same: its dashboards and alert rules work on them.
 *
 * Where Alertmanager has a label that strangers can fill (the peer of a ping), ours has none. What it counts and we have
 * not (its configuration, snapshots, dispatcher) is not here; docs/reference/metrics.md says how the two compare.
 */
import { counter, gauge, histogram, type MetricDescriptor } from './metric-descriptor.ts'

export type AlertmanagerMetricName =
  | 'alertmanager_alerts'
  | 'alertmanager_alerts_invalid_total'
  | 'alertmanager_alerts_received_total'
  | 'alertmanager_cluster_enabled'
  | 'alertmanager_cluster_failed_peers'
  | 'alertmanager_cluster_health_score'
  | 'alertmanager_cluster_members'
  | 'alertmanager_cluster_messages_pruned_total'
  | 'alertmanager_cluster_messages_queued'
  | 'alertmanager_cluster_messages_received_size_total'
  | 'alertmanager_cluster_messages_received_total'
  | 'alertmanager_cluster_messages_sent_size_total'
  | 'alertmanager_cluster_messages_sent_total'
  | 'alertmanager_cluster_peer_info'
  | 'alertmanager_cluster_peers_joined_total'
  | 'alertmanager_cluster_peers_left_total'
  | 'alertmanager_cluster_peers_update_total'
  | 'alertmanager_cluster_pings_seconds'
  | 'alertmanager_cluster_reconnections_failed_total'
  | 'alertmanager_cluster_reconnections_total'
  | 'alertmanager_cluster_refresh_join_failed_total'
  | 'alertmanager_cluster_refresh_join_total'
  | 'alertmanager_config_last_reload_success_timestamp_seconds'
  | 'alertmanager_config_last_reload_successful'
  | 'alertmanager_http_request_duration_seconds'
  | 'alertmanager_http_response_size_bytes'
  | 'alertmanager_marked_alerts'
  | 'alertmanager_nflog_gossip_messages_propagated_total'
  | 'alertmanager_nflog_queries_total'
  | 'alertmanager_nflog_query_errors_total'
  | 'alertmanager_notification_latency_seconds'
  | 'alertmanager_notification_requests_failed_total'
  | 'alertmanager_notification_requests_total'
  | 'alertmanager_notifications_failed_total'
  | 'alertmanager_notifications_total'
  | 'alertmanager_peer_position'
  | 'alertmanager_silences'
  | 'alertmanager_silences_gossip_messages_propagated_total'
  | 'alertmanager_silences_queries_total'
  | 'alertmanager_silences_query_errors_total'

export const ALERTMANAGER_METRICS: { readonly [Name in AlertmanagerMetricName]: MetricDescriptor } = {
  alertmanager_alerts: gauge(
    'Alerts of this replica that fire; of more than 1,000, silenced as of their last post',
    'state',
  ),
  alertmanager_alerts_invalid_total: counter('Alerts posted here that were not valid', 'version'),
  alertmanager_alerts_received_total: counter('Alerts posted here', 'status', 'version'),
  alertmanager_cluster_enabled: gauge('1 with clustering, 0 without'),
  alertmanager_cluster_failed_peers: gauge('Dead or remembered members that are still called on'),
  alertmanager_cluster_health_score: gauge('Awareness score of this process; 0 is healthy, up to 7'),
  alertmanager_cluster_members: gauge('Members that are alive or suspect, self included'),
  alertmanager_cluster_messages_pruned_total: counter('Updates dropped from the queues for their byte bound'),
  alertmanager_cluster_messages_queued: gauge('Updates that wait or are being repeated'),
  alertmanager_cluster_messages_received_size_total: counter('Bytes of the messages received', 'msg_type'),
  alertmanager_cluster_messages_received_total: counter(
    'Messages received: updates, and the full states of push-pulls',
    'msg_type',
  ),
  alertmanager_cluster_messages_sent_size_total: counter('Bytes of the messages sent', 'msg_type'),
  alertmanager_cluster_messages_sent_total: counter('Messages sent, one for each receiver', 'msg_type'),
  alertmanager_cluster_peer_info: gauge('Always 1; the label is our own name', 'peer'),
  alertmanager_cluster_peers_joined_total: counter('Members that came or came back'),
  alertmanager_cluster_peers_left_total: counter('Members that left or died'),
  alertmanager_cluster_peers_update_total: counter('Members whose metadata changed'),
  alertmanager_cluster_pings_seconds: histogram(
    'Round trips of probes that were answered directly, of all peers',
  ),
  alertmanager_cluster_reconnections_failed_total: counter('Calls on lost members without success'),
  alertmanager_cluster_reconnections_total: counter('Lost members that were reached again'),
  alertmanager_cluster_refresh_join_failed_total: counter(
    'Configured peers that could not be joined by a refresh',
  ),
  alertmanager_cluster_refresh_join_total: counter('Configured peers that were joined by a refresh'),
  alertmanager_config_last_reload_success_timestamp_seconds: gauge('When the options were last read again'),
  alertmanager_config_last_reload_successful: gauge('1 unless the last reload of the options failed'),
  alertmanager_http_request_duration_seconds: histogram(
    'From the end of the headers to the end of the answer, by route; of kv routes one request of 64 is measured and counts for all',
    'handler',
    'method',
  ),
  alertmanager_http_response_size_bytes: histogram(
    'Bodies of answers whose length is known before they are sent, as above',
    'handler',
    'method',
  ),
  alertmanager_marked_alerts: gauge('As alertmanager_alerts', 'state'),
  alertmanager_nflog_gossip_messages_propagated_total: counter(
    'Notification log entries of others that were news and were passed on',
  ),
  alertmanager_nflog_queries_total: counter(
    'Queries of the notification log, and decisions by it, those for flushes included',
  ),
  alertmanager_nflog_query_errors_total: counter('Of these, the ones that found no entry'),
  alertmanager_notification_latency_seconds: histogram('Attempts to send a notification', 'integration'),
  alertmanager_notification_requests_failed_total: counter('Attempts that failed', 'integration'),
  alertmanager_notification_requests_total: counter('Attempts to send a notification', 'integration'),
  alertmanager_notifications_failed_total: counter(
    'Flushes that ended without success',
    'integration',
    'reason',
  ),
  alertmanager_notifications_total: counter('Flushes that were to be sent from here', 'integration'),
  alertmanager_peer_position: gauge('How many names of live members sort before ours'),
  alertmanager_silences: gauge('Silences by state', 'state'),
  alertmanager_silences_gossip_messages_propagated_total: counter(
    'Silences of others that were news and were passed on',
  ),
  alertmanager_silences_queries_total: counter(
    'Silences looked up: lists, single ones and matches of labels',
  ),
  alertmanager_silences_query_errors_total: counter('Single silences asked for that do not exist'),
}
