/** What a peer of the parity suite runs with unless its options say otherwise: memberlist's LAN preset, ten times as fast. */
import type { PeerOptions } from './subject.ts'

type Knob =
  | 'bindAddr'
  | 'bindPort'
  | 'verifyIncoming'
  | 'verifyOutgoing'
  | 'meta'
  | 'protocolVersion'
  | 'compress'
  | 'gossipIntervalMs'
  | 'gossipNodes'
  | 'gossipToTheDeadMs'
  | 'probeIntervalMs'
  | 'probeTimeoutMs'
  | 'suspicionMult'
  | 'pushPullIntervalMs'
  | 'tcpTimeoutMs'
  | 'deadNodeReclaimMs'

export type FullPeerOptions = PeerOptions & Required<Pick<PeerOptions, Knob>>

export function withDefaults(options: PeerOptions): FullPeerOptions {
  return {
    bindAddr: '127.0.0.1',
    bindPort: 0,
    verifyIncoming: true,
    verifyOutgoing: true,
    meta: new Uint8Array(0),
    protocolVersion: 2,
    compress: false,
    gossipIntervalMs: 20,
    gossipNodes: 3,
    gossipToTheDeadMs: 30_000,
    probeIntervalMs: 100,
    probeTimeoutMs: 50,
    suspicionMult: 4,
    pushPullIntervalMs: 0,
    tcpTimeoutMs: 10_000,
    deadNodeReclaimMs: 0,
    ...options,
  }
}
