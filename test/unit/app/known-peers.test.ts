/** Whom a replica has known, on disk: what is kept, when it is written, what is read again. */
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { KnownPeers } from '../../../src/app/known-peers.ts'
import { formatPeerFile, type PeerFile, parsePeerFile, peerAddress } from '../../../src/app/peer-file.ts'
import type { Member } from '../../../src/gossip/core/delegate.ts'
import type { KnownPeer } from '../../../src/gossip/core/reconnect.ts'
import { endpointFromText } from '../../../src/gossip/io/endpoint-text.ts'
import { prepareStoreFolder } from '../../../src/store/store-folder.ts'
import { member } from '../../support/members.ts'
import { tempDir } from '../../support/temp-dir.ts'

function peer(name: string, port: number): KnownPeer {
  return { name, endpoint: endpointFromText('10.0.0.1', port) }
}

/** What gossip knows, and how often the file was replaced. */
class Rig {
  nowMs = 0
  readonly storagePath = tempDir()
  readonly warned: string[] = []
  live: Member[] = []
  lost: KnownPeer[] = []

  async open(configured: readonly string[] = [], label = ''): Promise<KnownPeers> {
    await prepareStoreFolder(this.storagePath)
    const peers = await KnownPeers.open({
      storagePath: this.storagePath,
      label,
      configured,
      clock: { monotonicMs: () => this.nowMs, wallMs: () => 0 },
      log: { warn: (event) => this.warned.push(event) },
    })
    onTestFinished(() => peers.close())
    peers.follow({ members: () => this.live, lostPeers: () => this.lost })
    return peers
  }

  sees(...names: readonly string[]): void {
    this.live = names.map((name, i) => ({ ...member(name, 'native'), endpoint: peer(name, i + 1).endpoint }))
  }

  get path(): string {
    return join(this.storagePath, 'hearsay', 'peers')
  }

  /** Names in the file. */
  get kept(): string[] {
    const file = parsePeerFile(readFileSync(this.path, 'utf8'))
    return 'peers' in file ? file.peers.map(({ name }) => name) : []
  }

  /** Lets the time pass and the writes that fell due end. */
  async after(ms: number, known: KnownPeers): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.nowMs += 100
      vi.advanceTimersByTime(100)
    }
    await known.written()
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
})

describe('known peers', () => {
  it('are read again after a restart: members, the lost, and the peers that were configured', async () => {
    const rig = new Rig()
    const first = await rig.open(['am.example:9094'])
    rig.sees('a', 'b')
    rig.lost = [peer('c', 9)]
    first.changed()
    await rig.after(400, first)
    const second = await rig.open()
    expect(second.seeds).toEqual(['am.example:9094'])
    expect(second.remembered.map((known) => `${known.name} ${peerAddress(known)}`)).toEqual([
      'a 10.0.0.1:1',
      'b 10.0.0.1:2',
      'c 10.0.0.1:9',
    ])
  })

  it('that were configured are on disk before anybody has been met, and members follow without a pause', async () => {
    const rig = new Rig()
    const known = await rig.open(['am.example:9094'])
    await known.written()
    expect(parsePeerFile(readFileSync(rig.path, 'utf8'))).toMatchObject({
      seeds: ['am.example:9094'],
      peers: [],
    })
    rig.sees('a')
    known.changed()
    await rig.after(400, known)
    expect(rig.kept).toEqual(['a'])
  })

  it('are written soon after a change, every 5 s at most, and not at all without one', async () => {
    const rig = new Rig()
    const known = await rig.open()
    rig.sees('a')
    known.changed()
    await rig.after(400, known)
    expect(rig.kept).toEqual(['a'])
    rig.sees('a', 'b')
    known.changed()
    await rig.after(4000, known)
    expect(rig.kept).toEqual(['a'])
    await rig.after(1000, known)
    expect(rig.kept).toEqual(['a', 'b'])
    writeFileSync(rig.path, 'untouched')
    known.changed()
    await rig.after(20_000, known)
    expect(readFileSync(rig.path, 'utf8')).toBe('untouched')
  })

  it('are dropped a minute after they left on purpose, not at once', async () => {
    const rig = new Rig()
    const known = await rig.open()
    rig.sees('a', 'b')
    known.changed()
    await rig.after(400, known)
    rig.sees('a')
    known.changed()
    await rig.after(59_000, known)
    expect(rig.kept).toEqual(['a', 'b'])
    await rig.after(10_000, known)
    expect(rig.kept).toEqual(['a'])
  })

  it('are known to be replicas or not after a restart; who has left counts as none', async () => {
    const rig = new Rig()
    const known = await rig.open()
    rig.sees('a', 'b')
    rig.live.push({ ...member('am', 'foreign'), endpoint: peer('am', 7).endpoint })
    rig.lost = [{ ...peer('c', 9), isReplica: true }, peer('other-am', 10)]
    known.changed()
    await rig.after(400, known)
    rig.live.shift()
    await known.close()
    const { remembered } = await rig.open()
    expect(remembered.filter(({ isReplica }) => isReplica).map(({ name }) => name)).toEqual(['b', 'c'])
    expect(remembered.map(({ name }) => name)).toEqual(['b', 'am', 'c', 'other-am', 'a'])
  })

  it('that gossip has given up are dropped, though no member comes or goes', async () => {
    const rig = new Rig()
    rig.lost = [peer('gone', 9)]
    const known = await rig.open()
    await rig.after(400, known)
    expect(rig.kept).toEqual(['gone'])
    rig.lost = []
    await rig.after(1_300_000, known)
    expect(rig.kept).toEqual([])
  })

  it('keep what came last when the replica is closed, and are left alone after', async () => {
    const rig = new Rig()
    const known = await rig.open()
    rig.sees('a')
    known.changed()
    await rig.after(400, known)
    rig.sees('a', 'b')
    await known.close()
    expect(rig.kept).toEqual(['a', 'b'])
    rig.sees()
    known.changed()
    await rig.after(100_000, known)
    expect(rig.kept).toEqual(['a', 'b'])
  })

  it('of a cluster with another label are none', async () => {
    const rig = new Rig()
    const first = await rig.open(['one:1'], 'first')
    rig.sees('a')
    await first.close()
    const second = await rig.open([], 'second')
    expect([second.seeds, second.remembered]).toEqual([[], []])
  })

  it('configured anew replace those configured before', async () => {
    const rig = new Rig()
    await (await rig.open(['one:1'])).close()
    expect((await rig.open(['two:2'])).seeds).toEqual(['two:2'])
  })

  it.each([
    ['damaged', '{"format":1}\ncrc32 00000000\n'],
    ['enormous', 'x'.repeat(600 * 1024)],
  ])('in a %s file are none, which is reported, and the next change makes a new one', async (_, text) => {
    const rig = new Rig()
    await prepareStoreFolder(rig.storagePath)
    writeFileSync(rig.path, text)
    const known = await rig.open(['one:1'])
    expect([known.remembered, rig.warned]).toEqual([[], ['known_peers_unreadable']])
    rig.sees('a')
    await rig.after(400, known)
    expect(rig.kept).toEqual(['a'])
  })

  it('are none when their file is longer than any that was written', async () => {
    const rig = new Rig()
    await prepareStoreFolder(rig.storagePath)
    const seeds = Array.from({ length: 64 }, () => `${'x'.repeat(10_000)}:1`)
    writeFileSync(rig.path, formatPeerFile({ label: '', seeds, peers: [peer('a', 1)] }))
    expect((await rig.open()).remembered).toEqual([])
    expect(rig.warned).toEqual(['known_peers_unreadable'])
  })

  it('that could not be written are written with the next change, though it be the same', async () => {
    const rig = new Rig()
    const known = await rig.open()
    await known.written()
    rmSync(rig.path)
    mkdirSync(rig.path)
    rig.sees('a')
    await rig.after(400, known)
    expect(rig.warned).toEqual(['known_peers_not_kept'])
    rmdirSync(rig.path)
    known.changed()
    await rig.after(5100, known)
    expect(rig.kept).toEqual(['a'])
  })

  it('are at most 256, and of records that make no sense only those are left out', () => {
    const peers = Array.from({ length: 300 }, (_, i) => peer(`p${i}`, i + 1))
    const seeds = Array.from({ length: 100 }, (_, i) => `s${i}:1`)
    const many = parsePeerFile(formatPeerFile({ label: '', seeds, peers })) as PeerFile
    expect([many.peers.length, many.seeds.length]).toEqual([256, 64])
    const odd = [peer('x'.repeat(300), 1), peer('good', 2)]
    expect((parsePeerFile(formatPeerFile({ label: '', seeds: [], peers: odd })) as PeerFile).peers).toEqual([
      peer('good', 2),
    ])
  })
})
