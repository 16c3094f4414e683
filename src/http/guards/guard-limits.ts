/**
 * What one client may cost: every bound of the HTTP side that is no limit of the store, in one place.
 *
 * The figures follow one rule: the slowest client that is worth serving (a kibibyte a second, a pause of some seconds) is
 * served, and all that slower ones can hold together fits into memory while gossip goes on. Those with a flag are the
 * operator's; the others are options for tests and embedding programs.
 */

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

export interface GuardLimits {
  /** Wait for the headers of a request, from the connection or the last request on. */
  readonly headersTimeoutMs: number
  /** Wait for a whole request, body included. */
  readonly requestTimeoutMs: number
  /** A connection without a request is closed after this. Above the 60 s of common load balancers, so that they close first. */
  readonly idleTimeoutMs: number
  /** A body of which less than `transferBytesMin` came in this time is cut off. */
  readonly slowBodyMs: number
  /** A reader that took less than `transferBytesMin` of what waits for it in this time is cut off. */
  readonly slowReaderMs: number
  readonly transferBytesMin: number
  /** How often all of the above is looked at: it may take that much longer. */
  readonly checkIntervalMs: number
  /** For answering (`--web.timeout`); 0 for no limit. Routes with `config.longLived` are left out. */
  readonly answerTimeoutMs: number
  /** `--web.max-connections`. */
  readonly connectionsMax: number
  /** Of `connectionsMax`, for one address: the rest stays free for others. */
  readonly addressShare: number
  /** One address may always have so many, if there is room in all: a browser opens six. */
  readonly addressConnectionsLeast: number
  /** Waiting for their answer at once (`--web.max-requests`). Reads of single values never wait. */
  readonly requestsMax: number
  /** Of them on one connection, pipelined. */
  readonly connectionRequestsMax: number
  /** Of all bodies in memory together, from their first byte to the answer; those up to 16 KiB are not counted. */
  readonly bodyMemoryBytesMax: number
  /** Of all answers that wait for their readers. */
  readonly answerMemoryBytesMax: number
  readonly headersMax: number
  readonly headerBytesMax: number
  /** `--web.rate-limit`: requests a second of one address; 0 for no limit. */
  readonly rateLimit: number
  /** `--web.max-event-loop-delay`; 0 for never. */
  readonly loopDelayMaxMs: number
  /** `--web.cors.origin`: exact origins. */
  readonly corsOrigins: readonly string[]
}

export const GUARD_DEFAULTS: GuardLimits = {
  headersTimeoutMs: 4000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 72_000,
  slowBodyMs: 8000,
  slowReaderMs: 20_000,
  transferBytesMin: 8 * KIBIBYTE,
  checkIntervalMs: 500,
  answerTimeoutMs: 75_000,
  connectionsMax: 4096,
  addressShare: 0.75,
  addressConnectionsLeast: 8,
  requestsMax: 1024,
  connectionRequestsMax: 64,
  bodyMemoryBytesMax: 64 * MEBIBYTE,
  answerMemoryBytesMax: 256 * MEBIBYTE,
  headersMax: 100,
  headerBytesMax: 16 * KIBIBYTE,
  rateLimit: 0,
  loopDelayMaxMs: 1000,
  corsOrigins: [],
}
