/** Input that names writes of ours which we did not make: no acknowledged write is lost by it, and no actors are minted for ever. */

import { describe, expect, it } from 'vitest'
import type { ActorId } from '../../../src/base/names.ts'
import { CausalContext } from '../../../src/crdt/context.ts'
import type { Delta, FullState, MapPut } from '../../../src/store/core/delta.ts'
import { MemoryStorage } from '../../../src/store/memory-storage.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { joinFull } from '../../../src/testing/full-join.ts'
import { openHostStore } from '../../support/host-store.ts'

const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

const value = (text: string): { contentType: string; bytes: Uint8Array } => ({
  contentType: 'text/plain',
  bytes: new TextEncoder().encode(text),
})

function read(store: StateStore, key: string): string | undefined {
  const item = store.kv.get('m', key)
  return item === undefined ? undefined : new TextDecoder().decode(item.value.bytes)
}

function forgedPut(actor: ActorId, n: number): MapPut {
  const stamp = { epoch: 0, ms: 1, logical: 0, actor }
  return {
    map: 'm',
    key: 'forged',
    entry: { dot: { actor, n }, stamp, value: value('theirs'), expiresAtMs: undefined },
  }
}

function full(changes: Partial<FullState>): FullState {
  return { context: new CausalContext(), puts: [], adds: [], records: [], ...changes }
}

/** A disk whose writes wait for `release` once `held`. */
class HeldStorage extends MemoryStorage {
  held = false
  release: (() => void) | undefined

  override async write(ops: Parameters<MemoryStorage['write']>[0]): Promise<void> {
    if (this.held) {
      await new Promise<void>((resolve) => {
        this.release = resolve
      })
      this.held = false
    }
    await super.write(ops)
  }
}

describe('a full state that names a write of ours to come', () => {
  it('in an entry that its own context leaves out makes us go on as a new actor', async () => {
    const store = await openHostStore()
    const former = store.actor
    joinFull(store, full({ puts: [forgedPut(former, 2)] }))
    expect(store.actor).not.toBe(former)
    for (const key of ['a', 'b', 'c']) await store.kv.put('m', key, value(key))
    for (const key of ['a', 'b', 'c']) expect(read(store, key)).toBe(key)
    await store.close()
  })

  it('in a set element does as well', async () => {
    const store = await openHostStore()
    const former = store.actor
    joinFull(store, full({ adds: [{ set: 's', member: 'x', dot: { actor: former, n: 1 } }] }))
    expect(store.actor).not.toBe(former)
    await store.close()
  })
})

describe('a dot that a clone used while our batch with it was in flight', () => {
  for (const way of ['delta', 'full state', 'context'] as const) {
    it(`fails the write instead of losing it, and makes us a new actor (by ${way})`, async () => {
      const disk = new HeldStorage({ keeps: true })
      const store = await openHostStore({ storage: () => disk })
      const former = store.actor
      disk.held = true
      const writing = store.kv.put('m', 'own', value('ours')).then(
        () => 'acknowledged',
        (error: { code?: string }) => error.code,
      )
      while (disk.release === undefined) await new Promise((resolve) => setImmediate(resolve))
      const context = new CausalContext()
      context.add({ actor: former, n: 1 })
      if (way === 'delta') store.join({ ...NOTHING, puts: [forgedPut(former, 1)] })
      else if (way === 'context') joinFull(store, full({ context }))
      else joinFull(store, full({ context, puts: [forgedPut(former, 1)] }))
      disk.release()
      expect(await writing).toBe('STORE_WRITE_FAILED')
      expect(store.actor).not.toBe(former)
      await store.kv.put('m', 'own', value('again'))
      expect(read(store, 'own')).toBe('again')
      await store.close()
    })
  }
})

describe('a peer that forges again and again', () => {
  it('costs one new actor in ten minutes; until then what it sends is refused', async () => {
    let monotonicMs = 0
    const store = await openHostStore({ clock: { monotonicMs: () => monotonicMs, wallMs: () => 1000 } })
    const actors = new Set<string>()
    for (let i = 0; i < 100; i++) {
      store.join({ ...NOTHING, covered: [{ actor: store.actor, n: 10 }] })
      const context = new CausalContext()
      context.addInterval(store.actor, { first: 1, last: 2 ** 52 })
      joinFull(store, full({ context }))
      actors.add(store.actor)
      monotonicMs += 1000
    }
    expect(actors.size).toBe(1)
    await store.kv.put('m', 'a', value('1'))
    expect(read(store, 'a')).toBe('1')
    expect(store.status().contextActors).toBeLessThanOrEqual(2)
    monotonicMs += 600_000
    store.join({ ...NOTHING, covered: [{ actor: store.actor, n: 10 }] })
    expect(actors.has(store.actor)).toBe(false)
    await store.close()
  })
})
