/**
 * Many updates at full speed, then how long until every replica holds all of them.
 *
 * Two clocks: `ackedMs` from the first write to the last acknowledgement, `equalMs` from that acknowledgement until the
 * slowest replica counts them all. A peer that has not finished when the time is up is reported with what it lacked.
 */
import type { Trio } from './trio.ts'

export interface BurstResult {
  readonly label: string
  readonly updates: number
  readonly spread: 'one replica' | 'round-robin'
  readonly ackedMs: number
  readonly writesPerSecond: number
  /** From the last acknowledgement; undefined when time ran out. */
  readonly equalMs: number | undefined
  /** Updates missing on the slowest replica at the end. */
  readonly missing: number
}

const REPLICAS = [0, 1, 2]
const POLL_MS = 2

export interface BurstOptions {
  readonly updates: number
  readonly connections: number
  readonly spread: BurstResult['spread']
  /** First index to write, so that bursts on one trio do not overwrite each other. */
  readonly firstIndex: number
  readonly timeoutMs: number
}

export async function burst(trio: Trio, options: BurstOptions): Promise<BurstResult> {
  const before = await Promise.all(REPLICAS.map((replica) => trio.count(replica)))
  const target = Math.max(...before) + options.updates
  const startMs = performance.now()
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < options.updates) {
      const index = next++
      await trio.write(options.spread === 'round-robin' ? index : 0, options.firstIndex + index)
    }
  }
  await Promise.all(Array.from({ length: options.connections }, writer))
  const ackedAtMs = performance.now()

  const pending = new Map(REPLICAS.map((replica) => [replica, options.updates]))
  while (pending.size > 0 && performance.now() - ackedAtMs < options.timeoutMs) {
    for (const replica of [...pending.keys()]) {
      const missing = target - (await trio.count(replica))
      if (missing <= 0) pending.delete(replica)
      else pending.set(replica, missing)
    }
    if (pending.size > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return {
    label: trio.label,
    updates: options.updates,
    spread: options.spread,
    ackedMs: ackedAtMs - startMs,
    writesPerSecond: (options.updates / (ackedAtMs - startMs)) * 1000,
    equalMs: pending.size === 0 ? performance.now() - ackedAtMs : undefined,
    missing: Math.max(0, ...pending.values()),
  }
}
