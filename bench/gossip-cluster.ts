/**
 * Drivers for the gossip figures: production settings, and a delegate that counts what it hears and relays it on first
 * sight, as the replicator does. Not a benchmark itself (bench/gossip.ts is).
 */
import { seededRandom } from '../src/base/random.ts'
import { decodeBatch, isBatch } from '../src/gossip/core/batch-frame.ts'
import type { GossipDelegate } from '../src/gossip/core/delegate.ts'
import { classifyMeta, nativeMeta } from '../src/gossip/core/native-meta.ts'
import { createGossip } from '../src/gossip/io/driver.ts'
import { endpointToText } from '../src/gossip/io/endpoint-text.ts'
import type { Gossip } from '../src/gossip/io/gossip.ts'

const NONE = new Uint8Array(0)

export const wallMs = (): number => performance.timeOrigin + performance.now()

/** Waits for the condition, at most this long. @returns whether it came to hold */
export async function reached(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadlineMs) return false
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return true
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A message of its own: its number, then zeros. */
export function numbered(number: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes)
  new DataView(payload.buffer).setBigUint64(0, BigInt(number))
  return payload
}

export class CountingMember {
  readonly gossip: Gossip
  /** By number of the message. */
  readonly heardAtMs: Map<number, number> = new Map()
  lastHeardMs = 0

  constructor(name: string, seed: number) {
    const silent = (): void => undefined
    this.gossip = createGossip(
      { name, listen: '127.0.0.1:0', meta: nativeMeta(), classify: classifyMeta },
      this.#delegate(),
      {
        clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
        random: seededRandom(seed),
        log: { debug: silent, info: silent, warn: silent },
      },
    )
  }

  get address(): string {
    return endpointToText(this.gossip.advertise())
  }

  get liveMembers(): number {
    return this.gossip.members().filter(({ liveness }) => liveness === 'alive').length
  }

  get isIdle(): boolean {
    const queues = this.gossip.stats().machine?.queues
    return queues === undefined || queues.native.messages === 0
  }

  say(number: number, bytes: number): void {
    this.heardAtMs.set(number, wallMs())
    this.gossip.broadcast({ audience: 'native', payload: numbered(number, bytes) })
  }

  #delegate(): GossipDelegate {
    return {
      localState: () => NONE,
      mergeRemoteState: () => undefined,
      userMessage: (payload) => {
        for (const one of isBatch(payload) ? (decodeBatch(payload) ?? []) : [payload]) this.#hear(one)
      },
      memberEvent: () => undefined,
      ackPayload: () => NONE,
      ackReceived: () => undefined,
    }
  }

  #hear(payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    const number = Number(view.getBigUint64(0))
    if (this.heardAtMs.has(number)) return
    this.lastHeardMs = wallMs()
    this.heardAtMs.set(number, this.lastHeardMs)
    this.gossip.broadcast({ audience: 'native', payload: payload.slice(), isRelayed: true })
  }
}

/** Members of this process that all know each other and have told all that there was to tell. */
export async function startMembers(count: number, timeoutMs: number): Promise<readonly CountingMember[]> {
  const members = Array.from({ length: count }, (_, i) => new CountingMember(`node-${i}`, i + 1))
  await Promise.all(members.map(({ gossip }) => gossip.start()))
  const [first] = members
  if (first !== undefined) {
    for (const { gossip } of members.slice(1)) await gossip.join([first.address])
  }
  const complete = await reached(() => members.every((one) => one.liveMembers === count), timeoutMs)
  if (!complete) throw new Error(`${count} drivers do not all know each other after ${timeoutMs} ms`)
  return members
}

export async function stopMembers(members: readonly CountingMember[]): Promise<void> {
  await Promise.all(members.map(({ gossip }) => gossip.stop()))
}
