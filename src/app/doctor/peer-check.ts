/**
 * One configured peer: what its name stands for, and for each address whether gossip gets there by stream and by packet, in
 * whose clear text, and what time it is there.
 *
 * memberlist needs both ways: members are found and compared by TCP, probed and told of changes by UDP. A firewall that lets
 * one of them through makes a cluster that looks whole and flaps.
 */
import type { Endpoint } from '../../gossip/core/endpoint.ts'
import { endpointToText } from '../../gossip/io/endpoint-text.ts'
import { type JoinTrouble, lookupTrouble } from '../../gossip/io/join-trouble.ts'
import { type Check, type Finding, fail, ok, warn } from './finding.ts'
import type { Answer, GossipProbe } from './gossip-probe.ts'

const ADDRESSES_MAX = 16
const CLOCK_WARN_MS = 1000

export interface PeerCheckOptions {
  /** As configured. */
  readonly peer: string
  /** @throws saying why it has no address */
  readonly resolve: (peer: string) => Promise<readonly Endpoint[]>
  readonly probe: GossipProbe
  /** Of this cluster; empty for none. */
  readonly label: string
  /** Beyond which entries of that replica are parked. */
  readonly maxClockSkewMs: number
  readonly monotonicMs: () => number
}

export function peerCheck(options: PeerCheckOptions): Check {
  const { peer } = options
  return { name: 'peer', subject: peer, run: () => examined(options) }
}

async function examined(options: PeerCheckOptions): Promise<readonly Finding[]> {
  const { peer, resolve, monotonicMs } = options
  const startedMs = monotonicMs()
  let endpoints: readonly Endpoint[]
  try {
    endpoints = await resolve(peer)
  } catch (error) {
    const reason = error instanceof Error ? lookupTrouble(error).reason : String(error)
    return [fail('dns', peer, reason, 'correct --cluster.peer, or the name server')]
  }
  const texts = endpoints.map(endpointToText)
  const isName = !(texts.length === 1 && texts[0] === peer)
  const took = `${Math.round(monotonicMs() - startedMs)} ms`
  const found = isName ? [ok('dns', peer, `${texts.slice(0, ADDRESSES_MAX).join(', ')} in ${took}`)] : []
  const paths = await Promise.all(endpoints.slice(0, ADDRESSES_MAX).map((to) => pathsTo(to, options)))
  return [...found, ...paths.flat()]
}

async function pathsTo(to: Endpoint, options: PeerCheckOptions): Promise<readonly Finding[]> {
  const { probe } = options
  const at = endpointToText(to)
  const stream = await probe.byStream(to)
  // Packets that it cannot read would only fill its counters.
  if (!isAnswer(stream) && stream.isThere) return [await misunderstanding(to, stream.reason, options)]
  const packetMs = await probe.byPacket(to)
  const packet =
    packetMs === undefined ? undefined : ok('peer udp', at, `answers in ${packetMs.toFixed(1)} ms`)
  if (isAnswer(stream)) {
    return [
      ok('peer tcp', at, `answers in ${stream.rttMs.toFixed(1)} ms`),
      packet ?? fail('peer udp', at, 'no answer to three packets, while TCP works', udpAdvice(to)),
      ...clockOf(at, stream, options),
    ]
  }
  const absent = fail('peer tcp', at, stream.reason, `start it, or let TCP to port ${to.port} through`)
  return packet === undefined ? [absent] : [absent, packet]
}

function isAnswer(stream: Answer | JoinTrouble): stream is Answer {
  return 'rttMs' in stream
}

function udpAdvice({ port }: Endpoint): string {
  return `let UDP to port ${port} through, and the answers back`
}

/** Somebody is there, and one of the two cannot read the other. */
async function misunderstanding(
  to: Endpoint,
  reason: string,
  { probe, label }: PeerCheckOptions,
): Promise<Finding> {
  const at = endpointToText(to)
  if (label !== '' && reason.includes('cluster label') && isAnswer(await probe.byStream(to, ''))) {
    const detail = `it has no cluster label, and this replica has ${JSON.stringify(label)}`
    return fail('peer tcp', at, detail, 'give all members the same --cluster.label, or none')
  }
  const isKey = /\bkey\b|encrypted|decrypt/.test(reason)
  const advice = isKey
    ? 'give all members the same keys: compare `hearsay keys list`; Alertmanagers have none (docs/encryption.md)'
    : 'compare --cluster.label of both, and see that a gossip member listens there'
  return fail('peer tcp', at, reason, advice)
}

function clockOf(at: string, { clockOffsetMs }: Answer, { maxClockSkewMs }: PeerCheckOptions): Finding[] {
  if (clockOffsetMs === undefined) return []
  const away = Math.abs(clockOffsetMs)
  const seconds = (away / 1000).toFixed(away < 100 ? 3 : 1)
  const detail = `${seconds} s ${clockOffsetMs < 0 ? 'behind' : 'ahead of'} this machine`
  const advice = 'set both clocks, best by NTP'
  if (away > maxClockSkewMs) {
    return [fail('peer clock', at, `${detail}; writes beyond --cluster.max-clock-skew are parked`, advice)]
  }
  return [away > CLOCK_WARN_MS ? warn('peer clock', at, detail, advice) : ok('peer clock', at, detail)]
}
