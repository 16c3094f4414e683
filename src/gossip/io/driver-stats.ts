/** The driver in numbers: what its parts count, side by side. */
import type { Encryption } from '../wire/encryption.ts'
import type { Counters } from './counters.ts'
import type { DriverParts } from './driver-parts.ts'
import { encryptionNow } from './framing.ts'
import type { GossipStats, PeerTroubles } from './gossip.ts'

/** @param parts undefined before `start` */
export function driverStats(
  parts: DriverParts | undefined,
  counters: Counters,
  encryption: Encryption | undefined,
): GossipStats {
  const { packets, streams, sent, received, sentBytes, receivedBytes, drops, events, memberEvents } = counters
  return {
    machine: parts?.pump.machine.stats(),
    packets: packets.toRecord(),
    streams: streams.toRecord(),
    inboundOpen: parts?.server.open ?? 0,
    outboundOpen: parts?.client.open ?? 0,
    streamMemoryBytes: parts?.memory.bytes ?? 0,
    sent: sent.toRecord(),
    received: received.toRecord(),
    sentBytes: sentBytes.toRecord(),
    receivedBytes: receivedBytes.toRecord(),
    drops,
    events: events.toRecord(),
    memberEvents: memberEvents.toRecord(),
    pushPullSeconds: counters.pushPullSeconds,
    outbox: parts?.outbox.waiting ?? { messages: 0, bytes: 0 },
    remembered: parts?.reconnect.lostCount ?? 0,
    encryption: encryptionNow(encryption),
  }
}

/** @param parts as above */
export function peerTroubles(parts: DriverParts | undefined, counters: Counters): PeerTroubles {
  return {
    lost: parts?.reconnect.lost() ?? [],
    unjoined: parts?.unjoined.list() ?? [],
    turnedAway: counters.turnedAway.list(),
  }
}
