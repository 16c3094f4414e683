/** What an open store does by itself with time, and what it no longer does once closed. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('an expired foreign record', () => {
  it('leaves memory, the limit and its watchers with the next full minute, without anybody writing', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    let wallMs = 59_000
    const store = await openHostStore({ clock: { monotonicMs: () => wallMs, wallMs: () => wallMs } })
    const heard: unknown[] = []
    store.records.watch('t', (_key, record) => heard.push(record?.versionNs))
    await store.records.write('t', (stage) =>
      stage.put('r', { versionNs: 5n, bytes: Uint8Array.of(7), expiresAtMs: 59_500 }),
    )
    wallMs = 59_999
    vi.advanceTimersByTime(60_000)
    expect(store.status().records).toBe(1)
    wallMs = 60_000
    vi.advanceTimersByTime(1000)
    expect(store.status().records).toBe(0)
    expect(store.fullState().records).toEqual([])
    expect(heard).toEqual([5n, undefined])
    await store.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a closed store', () => {
  it('does not open its database again when a peer is heard late', async () => {
    const path = tempDir()
    const store = await openHostStore({ path })
    const closing = store.close()
    const actor = 'b'.repeat(32) as typeof store.actor
    store.join({ puts: [], adds: [], covered: [{ actor, n: 1 }], records: [] })
    await closing
    store.join({ puts: [], adds: [], covered: [{ actor, n: 2 }], records: [] })
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(store.status().writeErrors).toBe(0)
    const again = await openHostStore({ path })
    await again.close()
  })
})
