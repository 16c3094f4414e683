/**
 * What anti-entropy costs: bytes on the wire where two replicas differ in a few of 100,000 entries, and how long a new
 * replica takes until it holds everything, with what that does to the event loops of both.
 *
 * Bytes are counted in this process, between two states and the production sessions, so that nothing else is on the wire:
 * all frames of the exchange, both ways. The fetch runs two real replicas in processes of their own, with disks and
 * gossip on loopback: one holds the entries, an empty one joins. CPU seconds stand beside wall time, because machines are
 * shared. An entry is 150 random bytes under a key of 17.
 *
 * Run: `npm run bench -- sync [--entries 100000] [--only bytes|fetch]`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { Replica } from '../src/app/replica.ts'
import { actorId } from '../src/base/names.ts'
import { seededRandom } from '../src/base/random.ts'
import type { Delta, MapEntry } from '../src/store/core/delta.ts'
import { ReplicaState } from '../src/store/core/replica-state.ts'
import { decodeSyncFrame } from '../src/store/replication/frames.ts'
import { Syncer } from '../src/store/replication/syncer.ts'
import { encodeFullState } from '../src/testing/full-state-codec.ts'

const VALUE_BYTES = 150
const WRITERS = 1000
const SETTLE_MS = 3000
const DIFFERENCES = [0, 1, 10, 1000]
/** As long as a generated one. */
const NAMES = ['zz-0123456789ab', 'zz-ba9876543210'] as const

// --- bytes on the wire, in this process

class Side {
  readonly state: ReplicaState = new ReplicaState()
  readonly inbox: Uint8Array[] = []
  readonly syncer: Syncer
  bytes = 0
  payload = 0
  frames = 0

  constructor(index: 0 | 1, tasks: (() => void)[], other: () => Side) {
    const { state } = this
    this.syncer = new Syncer({
      selfName: NAMES[index],
      store: {
        join: (delta) => state.join(delta, Date.now()).effective,
        fullState: () => state.fullState(),
        context: state.context,
        digest: state.digest,
        scan: () => state.scan(),
        read: (items) => state.read(items),
        retire: (items, theirs) => state.retire(items, theirs).length,
        unite: (theirs) => void state.unite(theirs),
        durable: (done) => void tasks.push(() => done(true)),
      },
      random: seededRandom(index),
      schedule: (task) => void tasks.push(task),
      send: (_peer, bytes) => {
        this.sent(bytes)
        tasks.push(() => other().syncer.receive(decodeSyncFrame(bytes)))
      },
      isPeer: () => true,
      relay: () => undefined,
      requestExchange: () => undefined,
      note: () => undefined,
    })
  }

  sent(bytes: Uint8Array): void {
    const { body } = decodeSyncFrame(bytes)
    this.bytes += bytes.length
    this.frames++
    if (body.kind === 'chunk') this.payload += body.delta.length
  }

  write(n: number, key: string): Delta {
    const actor = actorId('a'.repeat(32))
    const held = this.state.entry('bench', key)
    const entry: MapEntry = {
      dot: { actor, n },
      stamp: { epoch: 0, ms: Date.now(), logical: n % 60_000, actor },
      value: { contentType: 'application/json', bytes: new Uint8Array(randomBytes(VALUE_BYTES)) },
      expiresAtMs: undefined,
    }
    const delta = {
      puts: [{ map: 'bench', key, entry }],
      adds: [],
      covered: held === undefined ? [] : [held.dot],
      records: [],
    }
    this.state.apply(delta, Date.now())
    return delta
  }
}

function bytesOnTheWire(entries: number): void {
  const tasks: (() => void)[] = []
  const caller: Side = new Side(0, tasks, () => called)
  const called: Side = new Side(1, tasks, () => caller)
  let n = 0
  const keyOf = (i: number): string => `instance-${String(i).padStart(8, '0')}`
  for (let i = 0; i < entries; i++) called.state.join(caller.write(++n, keyOf(i)), Date.now())
  const full = encodeFullState(caller.state.fullState()).length
  const exchange = (): { metadata: number; payload: number; frames: number; ms: number } => {
    for (const side of [caller, called]) side.bytes = side.payload = side.frames = 0
    const startMs = performance.now()
    const offer = caller.syncer.offer(NAMES[1])
    const answer = called.syncer.answer(decodeSyncFrame(offer))
    caller.sent(offer)
    called.sent(answer)
    called.syncer.exchanged(decodeSyncFrame(offer), true)
    caller.syncer.exchanged(decodeSyncFrame(answer), false)
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
    const payload = caller.payload + called.payload
    return {
      metadata: caller.bytes + called.bytes - payload,
      payload,
      frames: caller.frames + called.frames,
      ms: performance.now() - startMs,
    }
  }
  const first = exchange()
  console.log(
    `sync bytes ${entries} entries: full state ${full} B; first exchange of equals ${first.metadata} B`,
  )
  for (const differences of DIFFERENCES) {
    for (let i = 0; i < differences; i++) caller.write(++n, keyOf((i * 7919) % entries))
    const { metadata, payload, frames, ms } = exchange()
    const gain = (2 * full) / (metadata + payload)
    console.log(
      `sync bytes D=${differences}: ${metadata} B of metadata + ${payload} B of entries, both ways, in ${frames} frames, ${ms.toFixed(0)} ms of both CPUs; two full states are ${gain.toFixed(0)} x that`,
    )
    const left = caller.syncer.offer(NAMES[1]).length + called.syncer.offer(NAMES[0]).length
    if (left > 200) console.log('sync bytes: still different')
  }
}

// --- a new replica, in processes

interface Report {
  readonly p99Ms: number
  readonly maxMs: number
  readonly healthScoreMax: number
  readonly cpuSeconds: number
  readonly heapMb: number
  readonly stats: Readonly<Record<string, number>>
}

async function open(path: string, peers: readonly string[]): Promise<Replica> {
  return Replica.open({
    storagePath: path,
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 120_000,
    gossip: { listen: '127.0.0.1:0', peers: [...peers], label: '' },
    log: () => pino({ level: 'silent' }),
  })
}

class Watch {
  readonly #delay = monitorEventLoopDelay({ resolution: 1 })
  readonly #sampling: NodeJS.Timeout
  readonly #cpu = process.cpuUsage()
  #healthScoreMax = 0

  constructor(replica: Replica) {
    this.#delay.enable()
    this.#sampling = setInterval(() => {
      this.#healthScoreMax = Math.max(this.#healthScoreMax, replica.gossip?.healthScore() ?? 0)
    }, 50)
  }

  report(replica: Replica): Report {
    clearInterval(this.#sampling)
    const cpu = process.cpuUsage(this.#cpu)
    return {
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      p99Ms: this.#delay.percentile(99) / 1e6,
      maxMs: this.#delay.max / 1e6,
      healthScoreMax: this.#healthScoreMax,
      heapMb: process.memoryUsage().heapUsed / 1e6,
      stats: replica.syncStats(),
    }
  }
}

async function fill(replica: Replica, entries: number): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < entries) {
      const name = String((next++ * 7_654_321) % entries).padStart(8, '0')
      const bytes = new Uint8Array(randomBytes(VALUE_BYTES))
      await replica.store.kv.put('bench', `instance-${name}`, { contentType: 'application/json', bytes })
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

/** The replica that holds everything. It is opened anew after filling, so that keys lie in the order of the disk. */
async function serveFull(path: string, entries: number): Promise<void> {
  const filling = await open(path, [])
  await fill(filling, entries)
  // LevelDB tidies up for a moment; what is measured should not.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  await filling.close()
  const replica = await open(path, [])
  replica.settle()
  let watch: Watch | undefined
  process.on('message', (message) => {
    if (message === 'watch') watch = new Watch(replica)
    if (message === 'report') process.send?.(watch?.report(replica))
    if (message === 'close') void replica.close().then(() => process.disconnect())
  })
  process.send?.(replica.gossipAddress)
}

async function fetchAll(path: string, peer: string, entries: number): Promise<void> {
  const replica = await open(path, [peer])
  const watch = new Watch(replica)
  const startMs = performance.now()
  let heldMs: number | undefined
  replica.settle()
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const elapsedMs = performance.now() - startMs
    if (heldMs === undefined && replica.store.status().entries >= entries) heldMs = elapsedMs
    if (heldMs === undefined || !replica.readiness().ready) {
      if (elapsedMs > 180_000) throw new Error(`only ${replica.store.status().entries} after 3 minutes`)
      continue
    }
    process.send?.({ ...watch.report(replica), heldMs, readyMs: elapsedMs })
    await replica.close()
    process.disconnect()
    return
  }
}

function child(...args: readonly string[]): ChildProcess {
  return fork(import.meta.filename, args, { stdio: 'inherit' })
}

function message<T>(from: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    from.once('message', (value) => resolve(value as T))
    from.once('exit', (code) => reject(new Error(`a replica ended with ${code}`)))
  })
}

async function fetchBench(entries: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-bench-sync-'))
  const full = child('full', join(folder, 'full'), String(entries))
  try {
    const address = await message<string>(full)
    full.send('watch')
    const empty = child('empty', join(folder, 'empty'), address, String(entries))
    const { heldMs, readyMs, ...ofEmpty } = await message<Report & { heldMs: number; readyMs: number }>(empty)
    full.send('report')
    const ofFull = await message<Report>(full)
    console.log(
      `sync fetch ${entries} entries: all held after ${heldMs.toFixed(0)} ms, ready after ${readyMs.toFixed(0)} ms`,
    )
    for (const [who, report] of [
      ['giver', ofFull],
      ['taker', ofEmpty],
    ] as const) {
      const { p99Ms, maxMs, healthScoreMax, cpuSeconds, heapMb, stats } = report
      console.log(
        `sync fetch ${who}: event loop p99 ${p99Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms; health score at most ${healthScoreMax}; ${cpuSeconds.toFixed(2)} s of CPU; heap ${heapMb.toFixed(0)} MB; ${JSON.stringify(stats)}`,
      )
    }
    full.send('close')
  } finally {
    await new Promise((resolve) => {
      if (full.exitCode !== null) resolve(undefined)
      else full.once('exit', resolve)
      setTimeout(() => full.kill(), 5000).unref()
    })
    rmSync(folder, { recursive: true, force: true })
  }
}

const { values, positionals } = parseArgs({
  options: { entries: { type: 'string', default: '100000' }, only: { type: 'string' } },
  allowPositionals: true,
})
const [role, path = '', peerOrCount = '', count = ''] = positionals
if (role === 'full') await serveFull(path, Number(peerOrCount))
else if (role === 'empty') await fetchAll(path, peerOrCount, Number(count))
else {
  const entries = Number(values.entries)
  if (values.only !== 'fetch') bytesOnTheWire(entries)
  if (values.only !== 'bytes') await fetchBench(entries)
}
