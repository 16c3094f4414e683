/**
 * What watches over HTTP may take of this process, and when they are told that all is well.
 *
 * A quiet stream costs a socket and a few hundred bytes. What could cost more is what was written for a reader and not
 * taken yet: each is given no further change while more than `unsentBytesMax` wait for it, so it holds that much and one
 * change; and all of them together are held to `unsentBytesTotalMax`.
 */
export interface WatchBounds {
  /** Watches over HTTP at once, streams and long polls together. Below the default of `--web.max-connections`. */
  readonly watchesMax: number
  /** Of these, from one client address: one host must leave room for others. */
  readonly watchesPerClientMax: number
  /** A stream with more than this unsent gets no further change until it has taken some. */
  readonly unsentBytesMax: number
  /** Of all streams; beyond it the one with most goes. */
  readonly unsentBytesTotalMax: number
  /**
   * A stream that takes nothing of what was written for so long is cut off. Below `slowReaderMs` of the guards, which end
   * every connection that reads too slowly: so it is counted here as a watch that stood still.
   */
  readonly stallMs: number
  /** A stream is silent for at most so long. */
  readonly heartbeatMs: number
  /** How often all streams are looked at for the two above. */
  readonly tickMs: number
  /** What readers that were told to go have left to read it. */
  readonly closeGraceMs: number
}

export const WATCH_BOUNDS: WatchBounds = {
  watchesMax: 2048,
  watchesPerClientMax: 1024,
  unsentBytesMax: 64 * 1024,
  unsentBytesTotalMax: 64 * 1024 * 1024,
  stallMs: 15_000,
  heartbeatMs: 15_000,
  tickMs: 1000,
  closeGraceMs: 1000,
}
