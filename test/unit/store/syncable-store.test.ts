/** What anti-entropy asks of an open store: its moves reach the disk and the listeners, and guard its identity. */

import { describe, expect, it } from 'vitest'
import { HearsayError } from '../../../src/base/errors.ts'
import { actorId } from '../../../src/base/names.ts'
import { CausalContext } from '../../../src/crdt/context.ts'
import type { Delta } from '../../../src/store/core/delta.ts'
import type { StateItem } from '../../../src/store/core/state-item.ts'
import type { StateKey } from '../../../src/store/core/state-key.ts'
import { MemoryStorage } from '../../../src/store/memory-storage.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

const B = actorId('b'.repeat(32))
const value = { contentType: 'text/plain', bytes: Uint8Array.of(1) }

function added(member: string, n: number): Delta {
  return { puts: [], adds: [{ set: 's', member, dot: { actor: B, n } }], covered: [], records: [] }
}

function durable(store: StateStore): Promise<boolean> {
  return new Promise((resolve) => store.durable(resolve))
}

function items(store: StateStore): StateItem[] {
  const scan = store.scan()
  const found: StateItem[] = []
  for (let next = scan.next(); next.done !== true; next = scan.next()) found.push(next.value)
  return found
}

describe('the moves of anti-entropy on an open store', () => {
  it('are on disk when durable says so', async () => {
    const path = tempDir()
    const store = await openHostStore({ path })
    store.join(added('gone', 1))
    store.join(added('stays', 2))
    const theirs = new CausalContext()
    theirs.addInterval(B, { first: 1, last: 9 })
    expect(
      store.retire(
        items(store).filter(({ dot }) => dot?.n === 1),
        theirs,
      ),
    ).toBe(1)
    store.unite(theirs)
    expect(await durable(store)).toBe(true)
    const root = [...store.digest.root()]
    await store.close()
    const again = await openHostStore({ path })
    expect(again.sets.members('s')).toEqual(['stays'])
    expect(again.context.intervals(B)).toEqual([{ first: 1, last: 9 }])
    expect([...again.digest.root()]).toEqual(root)
    await again.close()
  })

  it('are heard by every listener until it stops, also when one listens twice', async () => {
    const store = await openHostStore()
    const heard: string[] = []
    const hear = (keys: readonly StateKey[]): void => {
      for (const key of keys) heard.push(key.kind === 'member' ? key.member : key.kind)
    }
    const stops = [store.onChanged(hear), store.onChanged(hear)]
    store.join(added('x', 1))
    stops[0]?.()
    const theirs = new CausalContext()
    theirs.add({ actor: B, n: 1 })
    store.retire(items(store), theirs)
    stops[1]?.()
    store.join(added('y', 2))
    expect(heard).toEqual(['x', 'x', 'x'])
    await store.close()
  })

  it('that name writes of ours which we did not make turn us into a new actor, once', async () => {
    const store = await openHostStore()
    await store.kv.put('m', 'k', value)
    const claiming = (n: number): CausalContext => {
      const theirs = new CausalContext()
      theirs.addInterval(store.actor, { first: 1, last: n })
      return theirs
    }
    const first = store.actor
    store.unite(claiming(1))
    expect(store.actor).toBe(first)
    store.unite(claiming(2))
    const second = store.actor
    expect(second).not.toBe(first)
    expect(store.context.has({ actor: first, n: 2 })).toBe(true)
    await store.kv.put('m', 'k', value)
    store.unite(claiming(9))
    expect(store.retire(items(store), claiming(9))).toBe(0)
    expect(store.actor).toBe(second)
    expect(store.context.has({ actor: second, n: 9 })).toBe(false)
    expect(store.kv.get('m', 'k')).toBeDefined()
    await store.close()
  })
})

describe('durable', () => {
  it('says no while the disk refuses, and after the end', async () => {
    const storage = new MemoryStorage()
    const store = await openHostStore({ storage: () => storage })
    storage.failWrites(() => ({ error: new Error('EIO') }))
    store.join(added('x', 1))
    expect([await durable(store), await durable(store)]).toEqual([false, false])
    storage.failWrites(undefined)
    await store.close()
    expect(await durable(store)).toBe(false)
  })

  it('is not asked of whoever fences local writes', async () => {
    const store = await openHostStore({
      refusal: () => new HearsayError('CLOCK_OFF', 'fenced'),
    })
    store.join(added('x', 1))
    expect(await durable(store)).toBe(true)
    await store.close()
  })
})
