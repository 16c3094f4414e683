/**
 * Every event of the log: where it comes from, how loud it is, and what it means. `event` is API: dashboards and alerts match
 * it, while texts and fields may change. docs/reference/logs.md is made from this; a test compares it with the code.
 *
 * Levels: `error` is a fault of ours; `warn` wants somebody to look, though not at night unless an alert says so; `info` is
 * what a person on call would want to know happened; `debug` is everything else.
 */
export interface LogEvent {
  readonly component: 'app' | 'store' | 'gossip' | 'alerting' | 'notifier' | 'http'
  /** Several, where it depends. */
  readonly level: string
  readonly meaning: string
}

const event = (component: LogEvent['component'], level: string, meaning: string): LogEvent => ({
  component,
  level,
  meaning,
})

export const LOG_EVENTS: Readonly<Record<string, LogEvent>> = {
  // A life.
  starting: event('app', 'info', 'The process starts: version, pid and what it is told to do'),
  listening: event(
    'app',
    'info',
    'HTTP answers and gossip is bound: where, with how many entries, after how long',
  ),
  settled: event('app', 'info', 'What every reachable peer held is here; `/-/ready` says yes'),
  settle_gave_up: event('app', 'info', 'Settled by the timeout: peers that exist did not answer'),
  cluster_left: event('app', 'info', 'Left the cluster by request; HTTP goes on'),
  cluster_entered: event('app', 'info', 'In the cluster again by request'),
  shutdown_step: event('app', 'info', 'A step of stopping is done, and how long it took'),
  shutdown_step_failed: event('app', 'warn', 'A step of stopping failed; the next one goes on'),
  shutdown_step_overran: event(
    'app',
    'warn',
    'A step of stopping took longer than it may; the next one goes on',
  ),
  shutdown_gave_up: event('app', 'warn', 'Stopping took longer than the cap; what is left is cut off'),
  shutdown_done: event('app', 'info', 'Stopped, and how long it took'),
  config_reloaded: event(
    'app',
    'info',
    'The options were read again: what changed, and what waits for a restart',
  ),
  config_reload_failed: event('app', 'warn', 'The options could not be read again; all stays as it was'),
  config_warning: event('app', 'warn', 'An option is taken and does not do what it seems to'),
  incarnation_not_kept: event(
    'app',
    'warn',
    'The gossip incarnation could not be written; a restart may be refuted first',
  ),
  known_peers_unreadable: event(
    'app',
    'warn',
    'The file of known peers is damaged; configured peers are called alone',
  ),
  known_peers_not_kept: event('app', 'warn', 'The file of known peers could not be written'),
  message: event('app', 'any', 'A line that names no event'),
  // Clock.
  clock_off: event('app', 'warn', 'Writes are refused: the wall clock differs from those of most peers'),
  clock_right_again: event('app', 'info', 'Writes are taken again'),
  stamps_turned_back: event('app', 'warn', 'The clock was ahead and is right again: stamps follow it'),
  stamp_bound_not_lowered: event('app', 'warn', 'As above, and the bound on disk could not follow'),
  // Keys and the web config.
  gossip_plaintext: event('app', 'info', 'Gossip beyond loopback is not encrypted, as it was told'),
  gossip_partly_plaintext: event(
    'app',
    'warn',
    'A move to encryption was left halfway: plaintext is sent or taken',
  ),
  gossip_keys_changed: event('app', 'info', 'The key file was read again: the fingerprints in use'),
  key_file_not_usable: event(
    'app',
    'warn',
    'The key file has no keys that can be used; those there were stay',
  ),
  key_file_usable_again: event('app', 'info', 'The key file can be used again'),
  key_file_readable_by_others: event('app', 'warn', 'The mode of the key file lets others read it'),
  key_file_not_synced: event(
    'app',
    'warn',
    'A changed key file could not be synced; a loss of power may undo it',
  ),
  web_config_changed: event('app', 'info', 'The web config was read again and is in use'),
  web_config_not_usable: event('app', 'warn', 'The web config cannot be used; what was in use stays'),
  web_config_usable_again: event('app', 'info', 'The web config can be used again'),
  web_config_readable_by_others: event('app', 'warn', 'The mode of a file with secrets lets others read it'),
  web_config_unwise: event('app', 'warn', 'The web config asks for something weak'),
  // Store.
  store_trial: event(
    'store',
    'info',
    'The database was tried after an unclean end: what was wrong, if anything',
  ),
  store_set_aside: event(
    'store',
    'warn',
    'The database is damaged and was moved away; peers give the state back',
  ),
  store_new_actor: event('store', 'warn', 'Continuity is in doubt: writes from here on have a new actor'),
  store_record_damaged: event('store', 'warn', 'A record failed its checksum and was left out'),
  store_batches_missing: event('store', 'warn', 'The database lacks batches that it had acknowledged'),
  store_write_failed: event(
    'store',
    'warn',
    'A batch could not be written; writes are refused until the disk takes one',
  ),
  store_reopen_failed: event('store', 'warn', 'The database cannot be opened again yet'),
  store_reopened: event('store', 'info', 'The disk took a write; writes are taken again'),
  store_close_unmarked: event(
    'store',
    'warn',
    'The clean end could not be marked; the next start takes it for a crash',
  ),
  limit_reached: event(
    'store',
    'warn',
    'A limit refuses what clients ask for (store or alerting); one line a minute for each code',
  ),
  // Members.
  member_alive: event('gossip', 'info', 'A member came, or came back'),
  member_suspect: event('gossip', 'info', 'A member did not answer; it has a while to say that it lives'),
  member_dead: event('gossip', 'info', 'A member is taken for dead'),
  member_left: event('gossip', 'info', 'A member said goodbye'),
  member_reaped: event('gossip', 'debug', 'A dead member is listed no more'),
  member_refused: event('gossip', 'debug', 'The application does not admit a member'),
  member_outside_networks: event('gossip', 'debug', 'A member is outside of the allowed networks'),
  members_full: event('gossip', 'warn', 'There are as many members as there may be'),
  accusation_refuted: event('gossip', 'info', 'Others took us for suspect or dead; we said that we live'),
  merge_refused: event('gossip', 'warn', 'The application does not admit what a joining peer knows'),
  self_outside_networks: event('gossip', 'warn', 'Our own address is outside of the allowed networks'),
  incarnation_implausible: event(
    'gossip',
    'warn',
    'A member claims an incarnation that nobody reaches by refuting',
  ),
  alive_version_incompatible: event('gossip', 'warn', 'A member speaks no protocol version of ours'),
  alive_version_malformed: event('gossip', 'warn', 'The protocol versions of a member make no sense'),
  alive_malformed: event('gossip', 'debug', 'An alive message makes no sense'),
  suspect_malformed: event('gossip', 'debug', 'A suspect message makes no sense'),
  nodes_merged: event('gossip', 'debug', 'The members of a push-pull were merged'),
  name_conflict: event('gossip', 'debug', 'Somebody else goes by the name of a member'),
  name_conflicts_full: event('gossip', 'debug', 'As above, of more names than are kept in mind'),
  name_taken_twice: event('gossip', 'warn', 'Two processes go by one name, for longer than a restart takes'),
  name_conflict_over: event('gossip', 'info', 'They do not any more'),
  // Ways to them.
  path_failing: event(
    'gossip',
    'warn, debug',
    'One transport to a member does not work; debug when repeated within ten minutes',
  ),
  path_restored: event('gossip', 'info, debug', 'It works again'),
  peer_not_joined: event(
    'gossip',
    'warn',
    'A configured or remembered peer cannot be joined; ever less often, up to once an hour',
  ),
  peer_joined: event('gossip', 'info', 'It is joined now'),
  traffic_not_readable: event(
    'gossip',
    'warn',
    'Somebody has another key or label; once a minute for each address',
  ),
  input_dropped: event('gossip', 'debug', 'Input was dropped; one line a second for each reason'),
  packet_send_failed: event('gossip', 'debug', 'The host did not send a datagram'),
  probe_send_failed: event('gossip', 'debug', 'As above, of a probe'),
  probe_stream_only: event('gossip', 'debug', 'A probe was answered by TCP alone'),
  push_pull_failed: event('gossip', 'debug', 'A state exchange that we began failed'),
  ping_for_another: event('gossip', 'debug', 'A ping was meant for another name'),
  ack_unexpected: event('gossip', 'debug', 'An ack that no probe waits for'),
  ack_payload_refused: event('gossip', 'debug', 'An ack carried more than it may'),
  ack_payload_too_long: event('gossip', 'warn', 'Our own payload for an ack is too long; it was left out'),
  relay_full: event('gossip', 'debug', 'More pings for others are under way than may'),
  relay_to_stranger: event('gossip', 'debug', 'A ping was asked for to somebody who is no member'),
  send_to_unknown_member: event('gossip', 'debug', 'A message for a member that has gone'),
  membership_message_too_long: event('gossip', 'warn', 'A message on a member fits no packet'),
  // What spreads.
  broadcast_batch: event('gossip', 'debug', 'A backlog leaves by stream to hearsay members'),
  broadcast_foreign_batch: event('gossip', 'debug', 'A backlog leaves by stream to foreign members'),
  broadcast_repeat: event('gossip', 'debug', 'What was sent by stream is sent once more'),
  broadcast_queue_full: event('gossip', 'debug', 'Broadcasts were dropped for the byte bound'),
  broadcast_without_audience: event('gossip', 'debug', 'A broadcast that nobody can read'),
  replication_relay_skipped: event('gossip', 'debug', 'News of a foreign state too large to be passed on'),
  replication_session_ended: event('gossip', 'debug', 'A session of anti-entropy ended early'),
  replication_frame_malformed: event('gossip', 'debug', 'A private frame cannot be read'),
  replication_frame_unknown: event('gossip', 'debug', 'A private frame of no kind that is known'),
  replication_ack_malformed: event('gossip', 'debug', 'The payload of an ack cannot be read'),
  replication_state_too_large: event(
    'gossip',
    'warn',
    'More silences than a peer takes at once; it is told a part each time',
  ),
  replication_wire_version_newer: event('gossip', 'warn', 'A frame of a newer version; it is not read'),
  replication_peer_version_unsupported: event(
    'gossip',
    'warn',
    'A hearsay member with which we share no version',
  ),
  silence_quarantined: event('gossip', 'warn', 'A silence of a peer breaks the rules and is held back'),
  // Notifications.
  notification_sent: event('notifier', 'info', 'A notification was sent by this replica'),
  notification_skipped: event(
    'notifier',
    'debug',
    'A notification was not needed, or another replica sent it',
  ),
  notification_failed: event('notifier', 'warn', 'A flush ended without success'),
  notification_attempt_failed: event('notifier', 'warn', 'An attempt failed; once a minute for each flush'),
  notification_sent_late: event('notifier', 'warn', 'An attempt succeeded after its flush was over'),
  notification_not_logged: event(
    'notifier',
    'error',
    'Sent, and its entry is not on disk: it may be sent again',
  ),
  failed_open: event('notifier', 'warn', 'A member did not answer for a claim; sent without it'),
  claims_lost: event('notifier', 'warn', 'Another replica claims what this one was about to send'),
  hand_overs: event('notifier', 'warn', 'A notification could not be sent from here; left to the others'),
  overflows: event('notifier', 'warn', 'More claims or receivers than are kept in mind'),
  takeovers: event('notifier', 'debug', 'The work of another replica was taken over'),
  claims_lapsed: event('notifier', 'debug', 'This process stood still; its claims are asked for again'),
  leases_expired: event('notifier', 'debug', 'A claim of another was neither renewed nor released'),
  newer_entries: event('notifier', 'debug', 'A claim was denied with an entry that was not here'),
  foreign_waits_cut: event('notifier', 'debug', 'No time to wait for foreign members as they do'),
  log_failures: event('notifier', 'debug', 'An entry is not on disk'),
  frames_malformed: event('notifier', 'debug', 'A frame on claims cannot be read'),
  frames_from_strangers: event('notifier', 'debug', 'A frame on claims of no live member'),
  // HTTP.
  http_request: event('http', 'debug', 'A request was answered'),
  http_request_failed: event(
    'http',
    'error',
    'A fault of ours: the client got a 500 with the same `instance`',
  ),
}
