/** Where a replica gossips, as its first line says it: what it listens on, what peers dial when that differs, how safe. */
import { formatHostPort, parseHostPort } from '../base/host-port.ts'
import { type GossipProtection, plaintextGossip } from './plaintext-gossip.ts'

/**
 * @param listen `host:port` as given; port 0 is the one that was drawn, which is the dialled one unless `hasOwnAddress`
 * @param dialled what peers dial
 * @param hasOwnAddress whether that one was given rather than found
 */
export function gossipPlace(
  listen: string,
  dialled: string,
  hasOwnAddress: boolean,
  protection: GossipProtection,
): string {
  const { host, port } = parseHostPort(listen)
  const drawn = port === 0 && !hasOwnAddress ? parseHostPort(dialled).port : port
  const bound = formatHostPort({ host, port: drawn })
  const place = bound === dialled ? dialled : `${bound} (peers dial ${dialled})`
  const plaintext = plaintextGossip(listen, protection)
  if (plaintext?.code === 'gossip_plaintext') return `${place} in plaintext`
  if (plaintext !== undefined) return `${place} partly in plaintext`
  return protection.ring === undefined ? place : `${place} encrypted`
}
