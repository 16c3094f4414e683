/** When a session lets a replica claim what its peer has seen, and when it must not. */
import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '../../../../src/base/random.ts'
import { compareStamps } from '../../../../src/crdt/hlc.ts'
import type { Delta, MapEntry } from '../../../../src/store/core/delta.ts'
import { NOW_MS, type Peer, Pipe } from './pipe.ts'

/** `a` holds what was written over and over, so that half of its dots stand for nothing any more; `b` is empty. */
function pairWithGaps(keys: number): Pipe {
  const pipe = new Pipe(['a', 'b'])
  const a = pipe.peer('a')
  for (let i = 0; i < keys; i++) a.put(`key-${i}`, 'old')
  for (let i = 0; i < keys; i += 2) a.put(`key-${i}`, 'new')
  return pipe
}

describe('the context of a peer', () => {
  it.each(['a', 'b'])('closes the gaps of a newcomer though writes never stop, when %s calls', (caller) => {
    const pipe = pairWithGaps(200)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    let writes = 0
    pipe.carries = ({ from }) => {
      // What gossip brings to nobody.
      if (from === 'a') a.put(`busy-${writes++}`, 'x')
      return true
    }
    pipe.exchange(caller, caller === 'a' ? 'b' : 'a')
    expect(a.state.digest.root()).not.toEqual(b.state.digest.root())
    expect(b.state.entry('m', 'key-100')).toBeDefined()
    expect(b.state.context.holes).toBeLessThanOrEqual(1)
  })

  it('is not taken over by who refused something of what was sent', () => {
    const pipe = pairWithGaps(20)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    pipe.call('b', 'a')
    // Between the capture of the context and the scan: nobody vouches for this dot, and it lies too far above all others.
    pipe.later(() => {
      a.skipDots(20_000_000)
      a.put('far', 'x')
    })
    pipe.run()
    expect(b.state.counts(1000).refusedDeltas).toBe(1)
    expect(b.state.entry('m', 'key-1')).toBeUndefined()
    expect(b.state.context.maxOf(a.actor)).toBe(0)
    pipe.exchange('b', 'a')
    expect(b.text).toBe(a.text)
  })
})

const NAMES = ['a', 'b', 'c'] as const
const KEYS = 12
const AHEAD_MS = 2_000_000
const VALUE_BYTES = 25_000
const ROUNDS = 60

/** What three replicas wrote, and what therefore must be there in the end. */
class Written {
  readonly newest = new Map<string, MapEntry>()
  readonly #adds = new Map<string, string>()
  readonly #covered = new Set<string>()

  note(delta: Delta): Delta {
    for (const { key, entry } of delta.puts) {
      const known = this.newest.get(key)
      if (known === undefined || compareStamps(entry.stamp, known.stamp) > 0) this.newest.set(key, entry)
    }
    const added = new Set(delta.adds.map(({ dot }) => `${dot.n}@${dot.actor}`))
    for (const { member, dot } of delta.adds) this.#adds.set(`${dot.n}@${dot.actor}`, member)
    for (const { n, actor } of delta.covered)
      if (!added.has(`${n}@${actor}`)) this.#covered.add(`${n}@${actor}`)
    return delta
  }

  get members(): string[] {
    const live = [...this.#adds].filter(([name]) => !this.#covered.has(name)).map(([, member]) => member)
    return [...new Set(live)].sort()
  }
}

function writeSomething(peer: Peer, random: Random): Delta {
  const key = `key-${random.below(KEYS)}`
  const what = random.below(10)
  if (what < 2) return peer.add(key)
  if (what < 3) return peer.remove(key)
  if (what < 4) return peer.put(key, undefined)
  // One of them has a clock that is ahead: the others park this.
  if (what < 5 && peer.name === 'a') return peer.put(key, 'ahead', AHEAD_MS)
  // Large, so that most sessions take several chunks.
  return peer.put(key, `value ${random.below(1000)}`.padEnd(VALUE_BYTES))
}

function runRound(seed: number): { readonly pipe: Pipe; readonly written: Written; readonly absent: number } {
  const random = seededRandom(seed)
  const pipe = new Pipe(NAMES, random)
  const written = new Written()
  const held = new Set<string>()
  let absent = 0
  const somebodyWrites = (): void => {
    const peer = pipe.peer(NAMES[random.below(3)] ?? 'a')
    const delta = written.note(writeSomething(peer, random))
    for (const other of pipe.peers.values()) if (other !== peer && random.below(3) === 0) other.hear(delta)
  }
  const look = (): void => {
    for (const { name, state } of pipe.peers.values()) {
      for (let i = 0; i < KEYS; i++) {
        const place = `${name} key-${i}`
        if (state.entry('m', `key-${i}`) !== undefined) held.add(place)
        else if (held.has(place)) absent++
      }
    }
  }
  for (let i = 0; i < 30; i++) somebodyWrites()
  pipe.carries = () => {
    if (random.below(3) === 0) somebodyWrites()
    look()
    return random.below(40) > 0
  }
  for (let i = 0; i < 8; i++) {
    const from = random.below(3)
    pipe.call(NAMES[from] ?? 'a', NAMES[(from + 1 + random.below(2)) % 3] ?? 'b')
    if (random.below(2) === 0) pipe.run()
  }
  pipe.run()
  pipe.carries = () => true
  for (let i = 0; i < 6; i++) {
    for (let ms = 0; ms < 40_000; ms += 10_000) pipe.tick(10_000)
    pipe.exchange('a', 'b')
    pipe.exchange('b', 'c')
    pipe.exchange('c', 'a')
    for (const { state } of pipe.peers.values()) state.releaseParked(AHEAD_MS * 2)
    look()
  }
  return { pipe, written, absent }
}

describe('three replicas that write while they compare, one with a clock ahead', () => {
  it('lose nothing that was written and miss no key that they held: 60 rounds', () => {
    let gaps = 0
    for (let seed = 0; seed < ROUNDS; seed++) {
      const { pipe, written, absent } = runRound(seed)
      expect(absent, `seed ${seed}`).toBe(0)
      for (const { state } of pipe.peers.values()) {
        for (const [key, { dot }] of written.newest)
          expect(state.entry('m', key)?.dot, `seed ${seed}`).toEqual(dot)
        expect(state.members('s'), `seed ${seed}`).toEqual(written.members)
        expect(state.counts(NOW_MS).parked).toBe(0)
        gaps += state.context.holes
      }
    }
    expect(gaps).toBe(0)
  })
})
