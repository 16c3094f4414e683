import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Replica } from '../../../src/app/replica.ts'
import { tempDir } from '../../support/temp-dir.ts'

function open(storagePath: string, listen = '127.0.0.1:0'): Promise<Replica> {
  return Replica.open({
    storagePath,
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 1000,
    gossip: { listen },
    log: () => pino({ level: 'silent' }),
  })
}

function ownIncarnation(replica: Replica): number {
  return replica.gossip?.members().find((member) => member.isSelf)?.incarnation ?? 0
}

describe('replica', () => {
  it('starts above every incarnation of its earlier lives', async () => {
    const path = tempDir()
    const seen: number[] = []
    for (let life = 0; life < 3; life++) {
      const replica = await open(path)
      seen.push(ownIncarnation(replica))
      await replica.close()
    }
    expect(seen[0]).toBeGreaterThan(0)
    expect(seen[1]).toBeGreaterThan(seen[0] ?? 0)
    expect(seen[2]).toBeGreaterThan(seen[1] ?? 0)
  })

  it('that finds its port taken leaves no work behind', async () => {
    const other = await open(tempDir())
    onTestFinished(() => other.close())
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const opening = open(tempDir(), other.gossipAddress)
    await expect(opening).rejects.toMatchObject({ code: 'GOSSIP_PORT_BUSY' })
    expect(vi.getTimerCount()).toBe(0)
  })
})
