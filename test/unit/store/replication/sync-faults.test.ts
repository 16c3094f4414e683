/** Sessions that break, disks that refuse, peers that vanish or lie, and whether it still comes out right. */
import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '../../../../src/base/random.ts'
import { decodeSyncFrame, encodeSyncFrame, type SyncBody } from '../../../../src/store/replication/frames.ts'
import { type Peer, Pipe } from './pipe.ts'

function pairWith(count: number, random?: Random): Pipe {
  const pipe = new Pipe(['a', 'b'], random)
  for (let i = 0; i < count; i++) pipe.peer('b').hear(pipe.peer('a').put(`key-${i}`, `value ${i}`))
  return pipe
}

function expectEqual(pipe: Pipe): void {
  const [first, ...others] = [...pipe.peers.values()].map(({ text }) => text)
  for (const other of others) expect(other).toBe(first)
  for (const { syncer } of pipe.peers.values()) expect(syncer.sessions).toBe(0)
}

/** Frames of one kind are lost. */
function lose(pipe: Pipe, kind: SyncBody['kind']): void {
  pipe.carries = ({ frame }) => frame.body.kind !== kind
}

function forge(pipe: Pipe, to: string, sender: string, session: number, body: SyncBody): void {
  pipe.carries = () => true
  pipe.send('forger', to, encodeSyncFrame({ sender, session, body }))
  pipe.run()
}

describe('a session that is cut', () => {
  it('keeps what has arrived, and the next one sends only the rest', () => {
    const pipe = new Pipe(['a', 'b'])
    const a = pipe.peer('a')
    for (let i = 0; i < 2000; i++) a.put(`key-${i}`, `value ${i}`.padEnd(150, '.'))
    let chunks = 0
    pipe.carries = ({ from, frame }) => from === 'b' || frame.body.kind !== 'chunk' || ++chunks <= 3
    pipe.exchange('b', 'a')
    const held = pipe.peer('b').state.counts(1000).values
    expect(held).toBeGreaterThan(500)
    expect(held).toBeLessThan(1500)
    pipe.tick(30_000)
    pipe.tick(30_000)
    expect([a.stats.sessions_timed_out, pipe.peer('b').stats.sessions_timed_out]).toEqual([1, 1])
    const before = a.stats.lines_sent ?? 0
    pipe.carries = () => true
    pipe.exchange('b', 'a')
    expectEqual(pipe)
    expect((a.stats.lines_sent ?? 0) - before).toBe(2000 - held)
  })

  it.each(['want', 'chunk', 'ack', 'done', 'summary', 'listing', 'ask-sketch', 'ask-listing'] as const)(
    'by the loss of every %s ends, loses nothing, and is made good by the next',
    (kind) => {
      const pipe = pairWith(4000)
      const [a, b] = [pipe.peer('a'), pipe.peer('b')]
      const changes = kind === 'listing' || kind === 'ask-listing' ? 3000 : kind.length > 6 ? 200 : 10
      for (let i = 0; i < changes; i++) a.put(`key-${i}`, 'new')
      for (let i = 0; i < changes; i++) b.put(`key-${i + 10}`, 'newer')
      lose(pipe, kind)
      pipe.exchange('a', 'b')
      expect(a.syncer.sessions + b.syncer.sessions).toBeGreaterThan(0)
      pipe.tick(15_000)
      pipe.tick(15_000)
      pipe.tick(15_000)
      pipe.tick(15_000)
      expect(a.syncer.sessions + b.syncer.sessions).toBe(0)
      expect(a.state.counts(1000).values).toBe(4000)
      expect(b.state.counts(1000).values).toBe(4000)
      pipe.carries = () => true
      pipe.exchange('a', 'b')
      expectEqual(pipe)
    },
  )

  it('has at most four chunks under way that nobody acknowledged', () => {
    const pipe = new Pipe(['a', 'b'])
    for (let i = 0; i < 5000; i++) pipe.peer('a').put(`key-${i}`, 'v'.repeat(150))
    lose(pipe, 'ack')
    pipe.exchange('a', 'b')
    expect(pipe.sent.filter(({ from, frame }) => from === 'a' && frame.body.kind === 'chunk')).toHaveLength(4)
    expect(Math.max(...pipe.sent.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(64 * 1024 + 64)
  })
})

describe('a disk that refuses', () => {
  it('gets no acknowledgement for what it did not take, and everything after it has recovered', () => {
    const pipe = pairWith(100)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    for (let i = 0; i < 10; i++) a.put(`key-${i}`, 'new')
    b.diskRefuses = true
    pipe.exchange('a', 'b')
    expect(pipe.sent.some(({ frame }) => frame.body.kind === 'ack')).toBe(false)
    expect(b.syncer.syncedWith('a')).toBe(false)
    pipe.tick(30_000)
    pipe.tick(30_000)
    b.diskRefuses = false
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect(b.syncer.syncedWith('a')).toBe(true)
  })
})

describe('a peer', () => {
  it('that vanishes in the middle and comes back empty is served anew at once', () => {
    const pipe = new Pipe(['a', 'b'])
    const a = pipe.peer('a')
    for (let i = 0; i < 3000; i++) a.put(`key-${i}`, 'v'.repeat(150))
    let chunks = 0
    pipe.carries = ({ frame }) => frame.body.kind !== 'chunk' || ++chunks <= 2
    pipe.exchange('b', 'a')
    expect(a.syncer.sessions).toBe(1)
    pipe.boot('b')
    pipe.carries = () => true
    pipe.exchange('b', 'a')
    expectEqual(pipe)
    expect(a.stats.sessions_replaced).toBe(1)
  })

  it('that leaves ends its session', () => {
    const pipe = pairWith(100)
    pipe.peer('a').put('key-1', 'new')
    lose(pipe, 'chunk')
    pipe.exchange('a', 'b')
    pipe.peer('b').syncer.gone('a')
    expect(pipe.peer('b').syncer.sessions).toBe(0)
    expect(pipe.peer('b').syncer.syncedWith('a')).toBe(false)
  })

  it('and we that call each other at once end up with one session that finishes', () => {
    const pipe = pairWith(1000)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    for (let i = 0; i < 300; i++) a.put(`key-${i}`, 'new')
    for (let i = 300; i < 600; i++) b.put(`key-${i}`, 'new')
    pipe.call('a', 'b')
    pipe.call('b', 'a')
    pipe.run()
    pipe.tick(30_000)
    pipe.tick(30_000)
    pipe.exchange('a', 'b')
    expectEqual(pipe)
    expect((a.stats.sessions_equal ?? 0) + (b.stats.sessions_equal ?? 0)).toBeGreaterThanOrEqual(2)
  })

  it('beyond the fourth is refused by name, and has its turn later', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const pipe = new Pipe(names)
    for (let i = 0; i < 300; i++) pipe.peer('a').put(`key-${i}`, 'value')
    pipe.carries = ({ frame }) => frame.body.kind !== 'ack'
    for (const name of names.slice(1)) pipe.exchange(name, 'a')
    expect(pipe.peer('a').syncer.sessions).toBe(4)
    expect(pipe.kinds()).toContain('a refuse')
    expect(pipe.peer('a').stats.sessions_refused_busy).toBe(1)
    pipe.tick(30_000)
    pipe.tick(30_000)
    pipe.carries = () => true
    for (const name of names.slice(1)) pipe.exchange(name, 'a')
    expectEqual(pipe)
  })
})

describe('a newcomer', () => {
  it('is filled by one peer at a time, and has heard every one of them in the end', () => {
    let postponed = 0
    for (let seed = 0; seed < 20; seed++) {
      const pipe = new Pipe(['a', 'b', 'c', 'f'], seededRandom(seed), { fillingItemsMin: 50 })
      for (let i = 0; i < 3000; i++) {
        const put = pipe.peer('a').put(`key-${i}`, 'value')
        for (const name of ['b', 'c']) pipe.peer(name).hear(put)
      }
      for (let i = 0; i < 10; i++) pipe.peer('c').put(`only-${i}`, 'value')
      for (const name of ['a', 'b', 'c']) pipe.call('f', name)
      pipe.run()
      const newcomer = pipe.peer('f')
      postponed += newcomer.stats.sessions_postponed ?? 0
      expect(newcomer.stats.lines_received).toBeLessThan(3000 + 10 + 2 * 50)
      for (const name of ['a', 'b', 'c'])
        expect(newcomer.syncer.syncedWith(name), `${seed} ${name}`).toBe(true)
      expect(newcomer.text).toBe(pipe.peer('c').text)
    }
    expect(postponed).toBeGreaterThan(10)
  })

  it('goes on with the next peer when the one that fills it falls silent', () => {
    const pipe = new Pipe(['a', 'b', 'f'])
    for (let i = 0; i < 3000; i++) pipe.peer('b').hear(pipe.peer('a').put(`key-${i}`, 'value'))
    pipe.carries = ({ from, frame }) => from !== 'a' || frame.body.kind !== 'chunk'
    pipe.call('f', 'a')
    pipe.run()
    pipe.exchange('f', 'b')
    expect(pipe.peer('f').stats.sessions_postponed).toBe(1)
    pipe.tick(30_000)
    pipe.tick(30_000)
    pipe.run()
    expect(pipe.peer('f').text).toBe(pipe.peer('b').text)
  })
})

describe('news of a session', () => {
  it('is passed on while it is at most 100 lines, and not beyond', () => {
    for (const [count, relayed] of [
      [100, 100],
      [101, 0],
    ] as const) {
      const pipe = new Pipe(['a', 'b'])
      for (let i = 0; i < count; i++) pipe.peer('a').put(`key-${i}`, 'value')
      pipe.exchange('a', 'b')
      expectEqual(pipe)
      expect(pipe.peer('b').relayed.reduce((sum, { puts }) => sum + puts.length, 0)).toBe(relayed)
    }
  })
})

describe('a frame', () => {
  it('that overtakes the answer which introduces its sender is kept until then', () => {
    const pipe = pairWith(100)
    const [a, b] = [pipe.peer('a'), pipe.peer('b')]
    a.put('mine', 'a')
    b.put('yours', 'b')
    let met = false
    pipe.isStranger = (self, other) => self === 'a' && other === 'b' && !met
    const offer = decodeSyncFrame(a.syncer.offer(undefined))
    const answer = decodeSyncFrame(b.syncer.answer(offer))
    b.syncer.exchanged(offer, true)
    pipe.run()
    expect([b.syncer.sessions, a.syncer.sessions, a.text === b.text]).toEqual([1, 0, false])
    met = true
    a.syncer.exchanged(answer, false)
    pipe.run()
    expectEqual(pipe)
  })

  it('of a stranger, in our own name, or of no session is counted and dropped', () => {
    const pipe = pairWith(10)
    const a = pipe.peer('a')
    forge(pipe, 'a', 'nobody', 7, { kind: 'ask-sketch' })
    forge(pipe, 'a', 'a', 7, { kind: 'ask-sketch' })
    forge(pipe, 'a', 'b', 7, { kind: 'ask-sketch' })
    expect(a.stats).toEqual({ frames_of_strangers: 2, frames_of_no_session: 1 })
    expect(a.syncer.sessions).toBe(0)
  })

  it('that names a value it does not hold ends the session and no more', () => {
    const pipe = pairWith(100)
    pipe.peer('a').put('key-1', 'new')
    lose(pipe, 'chunk')
    pipe.exchange('a', 'b')
    const session = pipe.sent.find(({ frame }) => frame.body.kind === 'want')?.frame.session ?? 0
    const text = pipe.peer('b').text
    forge(pipe, 'b', 'a', session, {
      kind: 'chunk',
      sequence: 0,
      last: true,
      delta: Uint8Array.of(1, 1, 200),
    })
    expect(pipe.peer('b').text).toBe(text)
    expect(pipe.peer('b').notes).toContain('replication_frame_malformed')
    expect(pipe.peer('b').syncer.sessions).toBe(0)
  })

  it('far ahead of the window ends the session', () => {
    const pipe = pairWith(100)
    pipe.peer('a').put('key-1', 'new')
    lose(pipe, 'chunk')
    pipe.exchange('a', 'b')
    const session = pipe.sent.find(({ frame }) => frame.body.kind === 'want')?.frame.session ?? 0
    forge(pipe, 'b', 'a', session, { kind: 'chunk', sequence: 500, last: false, delta: new Uint8Array(0) })
    expect(pipe.peer('b').syncer.sessions).toBe(0)
  })

  it('out of place changes nothing', () => {
    const pipe = pairWith(100)
    pipe.peer('a').put('key-1', 'new')
    lose(pipe, 'chunk')
    pipe.exchange('a', 'b')
    const session = pipe.sent.find(({ frame }) => frame.body.kind === 'want')?.frame.session ?? 0
    const { context } = pipe.peer('a').state
    const summary = pipe.peer('a').syncer
    expect(summary.sessions).toBe(1)
    forge(pipe, 'b', 'a', session, { kind: 'swap', count: 0, context })
    forge(pipe, 'b', 'a', session, { kind: 'ack', of: 'chunk', number: 77 })
    forge(pipe, 'b', 'a', session, { kind: 'ack', of: 'want', number: 77 })
    forge(pipe, 'b', 'a', session, {
      kind: 'listing',
      part: 3,
      last: true,
      opening: undefined,
      items: new Uint8Array(8),
    })
    expect(pipe.peer('b').syncer.sessions).toBe(1)
    expect(pipe.peer('b').state.counts(1000).values).toBe(100)
  })
})

/** Puts, deletes, adds, removes and records at random; half of them heard by the others at once. */
function live(pipe: Pipe, steps: number, random: Random): void {
  const peers = [...pipe.peers.values()]
  const some = (): Peer => peers[random.below(peers.length)] as Peer
  for (let step = 0; step < steps; step++) {
    const peer = some()
    const key = `key-${random.below(20)}`
    const move = random.below(10)
    const delta =
      move < 4
        ? peer.put(key, `value ${step}`, 1000 + random.below(50))
        : move < 6
          ? peer.put(key, undefined, 1000 + random.below(50))
          : move < 8
            ? peer.add(key)
            : move < 9
              ? peer.remove(key)
              : peer.record(key, BigInt(random.below(5)), `record ${random.below(3)}`)
    for (const other of peers) if (other !== peer && random.below(2) === 0) other.hear(delta)
    if (random.below(30) === 0) {
      const [from, to] = [peer.name, some().name]
      if (from !== to) pipe.call(from, to, random.below(2) === 0)
    }
  }
}

describe('any replicas', () => {
  it('are equal after a few exchanges, whatever was written, lost, reordered and cut before: 1,000 pairs', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const random = seededRandom(seed)
      const pipe = new Pipe(['a', 'b'], random)
      live(pipe, 10 + random.below(120), random)
      pipe.carries = () => random.below(20) !== 0
      pipe.call('a', 'b')
      live(pipe, 10, random)
      pipe.run()
      pipe.carries = () => true
      for (let round = 0; round < 3; round++) {
        pipe.tick(30_000)
        pipe.tick(30_000)
        pipe.exchange('a', 'b')
      }
      expect(pipe.peer('b').text, `seed ${seed}`).toBe(pipe.peer('a').text)
    }
  })

  it('three at a time: 200 rounds', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seededRandom(seed + 5000)
      const pipe = new Pipe(['a', 'b', 'c'], random)
      live(pipe, 100, random)
      pipe.run()
      for (let round = 0; round < 3; round++) {
        pipe.tick(30_000)
        pipe.tick(30_000)
        pipe.exchange('a', 'b')
        pipe.exchange('b', 'c')
        pipe.exchange('c', 'a')
      }
      expectEqual(pipe)
    }
  })
})
