import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createLogger } from '../../../src/app/logger.ts'
import { Replica } from '../../../src/app/replica.ts'
import { nameSoFar } from '../../../src/app/replica-memory.ts'
import type { ReplicaOptions } from '../../../src/app/replica-options.ts'
import { tempDir } from '../../support/temp-dir.ts'

function options(storagePath: string, listen = '127.0.0.1:0'): ReplicaOptions {
  return {
    storagePath,
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 1000,
    gossip: { listen },
    log: () => pino({ level: 'silent' }),
  }
}

function open(storagePath: string, listen?: string): Promise<Replica> {
  return Replica.open(options(storagePath, listen))
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

  it('logs in its own name, its store too, though that was opened before the name was made', async () => {
    const path = tempDir()
    const lines: string[] = []
    const write = (text: string): void => void lines.push(text)
    const replica = await Replica.open({
      ...options(path),
      limits: { entriesMax: 0 },
      log: (node) => createLogger({ level: 'debug', format: 'logfmt', node, write }),
    })
    const value = { contentType: 'a/b', bytes: new Uint8Array(0) }
    await expect(replica.store.kv.put('m', 'k', value)).rejects.toMatchObject({ code: 'STORE_ENTRIES_MAX' })
    await replica.close()
    const line = lines.find((text) => text.includes('event=limit_reached'))
    expect(line).toContain(` node=${replica.name} component=store `)
    expect(await nameSoFar(undefined, path)).toBe(replica.name)
    expect(await nameSoFar('given', path)).toBe('given')
    expect(await nameSoFar(undefined, tempDir())).toBe('new')
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
