/** Real drivers on loopback with ephemeral ports and fast timers, each with a delegate that remembers. */
import { seededRandom } from '../../../../src/base/random.ts'
import type {
  Exchange,
  GossipDelegate,
  MemberEvent,
  PeerClass,
} from '../../../../src/gossip/core/delegate.ts'
import type { NodeLiveness } from '../../../../src/gossip/core/messages.ts'
import { createGossip } from '../../../../src/gossip/io/driver.ts'
import { endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'
import type { Gossip, GossipDeps, GossipOptions } from '../../../../src/gossip/io/gossip.ts'
import type { LogFields } from '../../../../src/gossip/io/gossip-log.ts'

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Members with meta 'native' are native. */
export const classify = (meta: Uint8Array): PeerClass => (text(meta) === 'native' ? 'native' : 'foreign')

export class RememberingDelegate implements GossipDelegate {
  readonly messages: string[] = []
  readonly events: MemberEvent[] = []
  readonly asked: Exchange[] = []
  readonly merged: { readonly state: string; readonly exchange: Exchange }[] = []
  readonly acks: { readonly peer: string; readonly payload: string; readonly rttMs: number }[] = []
  /** What acks to this member carry. */
  payload: (peer: string) => Uint8Array = () => new Uint8Array(0)
  state: Uint8Array
  /** Whom it takes for a member, and for a cluster to merge with; to be set before the start. */
  admits: (name: string) => boolean = () => true
  merges: (names: readonly string[]) => boolean = () => true

  constructor(state: string) {
    this.state = utf8(state)
  }

  admitsMember({ name }: { readonly name: string }): boolean {
    return this.admits(name)
  }

  admitsMerge(members: readonly { readonly name: string }[]): boolean {
    return this.merges(members.map(({ name }) => name))
  }

  localState(exchange: Exchange): Uint8Array {
    this.asked.push(exchange)
    return this.state
  }

  mergeRemoteState(state: Uint8Array, exchange: Exchange): void {
    this.merged.push({ state: text(state), exchange })
  }

  userMessage(payload: Uint8Array): void {
    this.messages.push(text(payload))
  }

  memberEvent(event: MemberEvent): void {
    this.events.push(event)
  }

  ackPayload(peer: string): Uint8Array {
    return this.payload(peer)
  }

  ackReceived(peer: string, payload: Uint8Array, rttMs: number): void {
    this.acks.push({ peer, payload: text(payload), rttMs })
  }
}

export interface TestNode {
  readonly gossip: Gossip
  readonly delegate: RememberingDelegate
  readonly logged: { readonly level: string; readonly event: string; readonly fields: LogFields }[]
  /** What others dial. */
  readonly at: () => string
  readonly sees: (name: string) => NodeLiveness | undefined
}

/** Everything ten times as fast as in production; no background exchanges and no reconnects unless asked. */
export function fastOptions(name: string): GossipOptions {
  return {
    name,
    listen: '127.0.0.1:0',
    meta: utf8('native'),
    classify,
    reconnectIntervalMs: 0,
    refreshIntervalMs: 0,
    config: {
      gossipIntervalMs: 20,
      probeIntervalMs: 100,
      probeTimeoutMs: 50,
      pushPullIntervalMs: 0,
    },
  }
}

export class GossipRig {
  readonly #nodes: TestNode[] = []

  node(name: string, options: Partial<GossipOptions> = {}, deps: Partial<GossipDeps> = {}): TestNode {
    const delegate = new RememberingDelegate(`state of ${name}`)
    const logged: TestNode['logged'] = []
    const record =
      (level: string) =>
      (event: string, fields: LogFields): void => {
        logged.push({ level, event, fields })
      }
    const gossip = createGossip({ ...fastOptions(name), ...options }, delegate, {
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      random: seededRandom(this.#nodes.length + 1),
      log: { debug: record('debug'), info: record('info'), warn: record('warn') },
      ...deps,
    })
    const node: TestNode = {
      gossip,
      delegate,
      logged,
      at: () => endpointToText(gossip.advertise()),
      sees: (other) => gossip.members().find((member) => member.name === other)?.liveness,
    }
    this.#nodes.push(node)
    return node
  }

  async started(
    name: string,
    options?: Partial<GossipOptions>,
    deps?: Partial<GossipDeps>,
  ): Promise<TestNode> {
    const node = this.node(name, options, deps)
    await node.gossip.start()
    return node
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map((node) => node.gossip.stop()))
  }
}
