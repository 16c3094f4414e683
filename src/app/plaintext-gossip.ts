/**
 * What a person is told of gossip beyond loopback that is not, or not only, encrypted.
 *
 * It starts only where somebody has accepted that, so this is a reminder and no alarm: beside Alertmanagers, which have no
 * gossip key, it has to be so. What it is for is the move to encryption that was left halfway, which nothing else shows:
 * all works, and anybody may still join. Loopback is passed over.
 */
import { formatHostPort, parseHostPort } from '../base/host-port.ts'
import type { Keyring } from '../gossip/wire/keyring.ts'
import { isLoopback } from './options/option-rules.ts'

export interface GossipProtection {
  /** Undefined or empty: gossip is plaintext. */
  readonly ring: Keyring | undefined
  readonly verifyIncoming: boolean
  readonly verifyOutgoing: boolean
}

export interface PlaintextGossip {
  /** Stable, and the event in the log: no keys at all, or keys that are not relied upon yet. */
  readonly code: 'gossip_plaintext' | 'gossip_partly_plaintext'
  readonly text: string
}

/** @param listen `host:port` of gossip. @returns undefined when all is encrypted, or nobody else reaches it */
export function plaintextGossip(listen: string, protection: GossipProtection): PlaintextGossip | undefined {
  const { ring, verifyIncoming, verifyOutgoing } = protection
  const { host, port } = parseHostPort(listen)
  if (isLoopback(host)) return undefined
  const at = `gossip on ${formatHostPort({ host, port })}`
  if (ring === undefined || ring.isEmpty) {
    return {
      code: 'gossip_plaintext',
      text: `${at} is plaintext: right beside Alertmanagers, which have no gossip key, on a network that only members reach; any other cluster can be encrypted (docs/encryption.md)`,
    }
  }
  if (verifyIncoming && verifyOutgoing) return undefined
  const does = verifyOutgoing
    ? 'is encrypted, and plaintext of others is taken too'
    : `is sent in plaintext, though there is a key${verifyIncoming ? '' : ', and plaintext of others is taken'}`
  const flag = verifyOutgoing ? '--no-cluster.verify-incoming' : '--no-cluster.verify-outgoing'
  return {
    code: 'gossip_partly_plaintext',
    text: `${at} ${does}: the next step of the move to encryption leaves out ${flag} on every replica (docs/encryption.md)`,
  }
}
