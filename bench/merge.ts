/**
 * How many joins a second one thread does, from wire bytes: decoding counts. A million keys are written by one actor, then
 * half of them again by another (merge-writes.ts): 1.5 million joins into a ReplicaState, as map entries (LWW) and as set
 * members (add-wins, an add that covers the one before). In chunks as anti-entropy sends them, about 400 lines each, and
 * in frames of one mutation with the dots it covers, as gossip does.
 *
 * Beside it Yjs (Y.Map), Automerge and TinyBase (MergeableStore) take in the same writes (merge-peers.ts). Every contestant
 * runs in a child process of its own, one after the other.
 *
 * Run: `npm run bench -- merge [--keys 1000000] [--only NAME]`.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { actorId } from '../src/base/names.ts'
import type { Dot } from '../src/crdt/dot.ts'
import type { Delta } from '../src/store/core/delta.ts'
import { decodeDelta, encodeDelta } from '../src/store/core/delta-codec.ts'
import { ReplicaState } from '../src/store/core/replica-state.ts'
import { keysFor, PEERS, type PreparedMerge, preparePeer } from './merge-peers.ts'
import { type MergeWrite, mergeGroups } from './merge-writes.ts'

const FIRST = actorId('0123456789abcdef0123456789abcdef')
const SECOND = actorId('fedcba9876543210fedcba9876543210')
const NOW_MS = 1_790_000_000_000
const CHUNK_LINES = 400
const OURS = ['lww chunks', 'lww frames', 'set chunks', 'set frames'] as const

interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly keys: number
}

/** Frames one after the other, as they lie in what a socket delivers. */
class Frames {
  #bytes = new Uint8Array(1 << 20)
  #length = 0
  readonly #ends: number[] = []

  add(frame: Uint8Array): void {
    while (this.#length + frame.length > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(frame, this.#length)
    this.#length += frame.length
    this.#ends.push(this.#length)
  }

  *all(): Generator<Uint8Array> {
    let from = 0
    for (const end of this.#ends) {
      yield this.#bytes.subarray(from, end)
      from = end
    }
  }
}

function prepareOurs(kind: string, keys: number): PreparedMerge {
  const encoder = new TextEncoder()
  const frames = new Frames()
  const isMap = kind.startsWith('lww')
  const size = kind.endsWith('chunks') ? CHUNK_LINES : 1
  const written = new Map<string, number>()
  const numbers = { first: 0, second: 0 }
  const line = ({
    key,
    value,
    overwrites,
  }: MergeWrite): Pick<Delta, 'puts' | 'adds'> & { covered: Dot | undefined } => {
    const actor = overwrites ? SECOND : FIRST
    const dot = { actor, n: overwrites ? ++numbers.second : ++numbers.first }
    const before = overwrites ? written.get(key) : undefined
    if (!overwrites && size === 1) written.set(key, dot.n)
    const covered = before === undefined ? undefined : { actor: FIRST, n: before }
    if (!isMap) return { puts: [], adds: [{ set: 'bench', member: key, dot }], covered }
    const stamp = {
      epoch: 0,
      ms: NOW_MS + Math.floor(dot.n / 100) + (overwrites ? keys : 0),
      logical: dot.n % 100,
      actor,
    }
    const stored = { contentType: 'application/json', bytes: encoder.encode(value) }
    return {
      puts: [{ map: 'bench', key, entry: { dot, stamp, value: stored, expiresAtMs: undefined } }],
      adds: [],
      covered,
    }
  }
  for (const group of mergeGroups(keys, size)) {
    const lines = group.map(line)
    frames.add(
      encodeDelta({
        puts: lines.flatMap(({ puts }) => puts),
        adds: lines.flatMap(({ adds }) => adds),
        covered: lines.flatMap(({ covered }) => (covered === undefined ? [] : [covered])),
        records: [],
      }),
    )
  }
  return {
    run: () => {
      const state = new ReplicaState()
      const nowMs = NOW_MS + 2 * keys
      for (const frame of frames.all()) state.join(decodeDelta(frame), nowMs)
      const { values, setMembers } = state.counts(nowMs)
      return values + setMembers
    },
  }
}

async function measure(name: string, keys: number): Promise<Measured> {
  const peer = PEERS.find((known) => known === name)
  const { run } = peer === undefined ? prepareOurs(name, keys) : await preparePeer(peer, keys)
  global.gc?.()
  const before = process.cpuUsage()
  const beforeMs = performance.now()
  const found = run()
  const seconds = (performance.now() - beforeMs) / 1000
  const cpu = process.cpuUsage(before)
  return { seconds, cpuSeconds: (cpu.user + cpu.system) / 1e6, keys: found }
}

function inChild(name: string, keys: number): Measured | undefined {
  const args = [
    '--expose-gc',
    '--max-old-space-size=8000',
    import.meta.filename,
    '--child',
    name,
    '--keys',
    String(keys),
  ]
  const output = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return output.trim() === 'absent' ? undefined : JSON.parse(output)
}

const { values: options } = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    only: { type: 'string', default: '' },
    child: { type: 'string' },
  },
})
const keys = Number(options.keys)
if (options.child !== undefined) {
  try {
    console.log(JSON.stringify(await measure(options.child, keys)))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
    console.log('absent')
  }
} else {
  console.log(
    `merge: ${keys} keys, half of them written again, from wire bytes, one thread; Node ${process.version}`,
  )
  let reference: number | undefined
  for (const name of [...OURS, ...PEERS].filter((name) => name.includes(options.only))) {
    const peer = PEERS.find((known) => known === name)
    const count = peer === undefined ? keys : keysFor(peer, keys)
    const measured = inChild(name, count)
    if (measured === undefined) {
      console.log(`merge ${name}: not installed (npm ci), left out`)
      continue
    }
    if (measured.keys !== count) throw new Error(`${name} holds ${measured.keys} keys`)
    const rate = (count * 1.5) / measured.seconds
    reference ??= rate
    const ratio = reference === rate ? '' : `, ${(rate / reference).toFixed(2)} of ${OURS[0]}`
    const fewer = count === keys ? '' : ` on ${count} keys`
    console.log(
      `merge ${name.padEnd(10)} ${Math.round(rate)} joins/s (${measured.seconds.toFixed(2)} s, ${measured.cpuSeconds.toFixed(2)} s of CPU)${ratio}${fewer}`,
    )
  }
}
