/** The first byte of every message and frame (memberlist-wire.md section 1). Append-only upstream, so fixed here. */
export const MessageType = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compressed: 9,
  encrypted: 10,
  nack: 11,
  hasCrc: 12,
  error: 13,
  label: 244,
} as const
