/**
 * How long a replica with a million entries takes to open, and what an entry costs in memory.
 *
 * A real store is filled through its own facade and closed; each phase is then measured in a fresh process: the bare scan
 * of the database, the scan with checksums, and the whole opening. CPU seconds stand beside wall seconds, because
 * machines are shared. Keys sort differently from the order they were written in, so dots come back at random, as they
 * do in practice. An entry is 150 random bytes under a key of 17; a set member is a text of 34.
 *
 * Run: `npm run bench -- open [--entries 1000000] [--folder DIR]`. A folder is kept, and filled only once.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LevelStorage } from '../src/store/level-storage.ts'
import { openStore } from '../src/store/open-store.ts'
import { RecordStorage } from '../src/store/record-storage.ts'
import type { StateStore } from '../src/store/state-store.ts'

const KINDS = ['map', 'set'] as const
type Kind = (typeof KINDS)[number]
const PHASES = ['scan', 'check', 'open'] as const
type Phase = (typeof PHASES)[number]

const VALUE_BYTES = 150
const WRITERS = 1000
/** Coprime to any number of entries that ends in zeros: visits all of them, out of order. */
const STRIDE = 7_654_321

interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly records: number
  readonly heapBytes: number
  readonly externalBytes: number
  readonly residentBytes: number
}

function open(path: string): Promise<StateStore> {
  return openStore({
    path,
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    randomBytes,
    limits: { entriesMax: Number.MAX_SAFE_INTEGER },
  })
}

async function fill(path: string, kind: Kind, entries: number): Promise<void> {
  const store = await open(path)
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < entries) {
      const index = next++
      const name = String((index * STRIDE) % entries).padStart(8, '0')
      if (kind === 'set') await store.sets.add('bench', `member-${name}-of-the-on-call-rota`)
      else {
        const bytes = new Uint8Array(randomBytes(VALUE_BYTES))
        await store.kv.put('bench', `instance-${name}`, { contentType: 'application/json', bytes })
      }
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  await store.close()
}

async function run(phase: Phase, path: string): Promise<number> {
  if (phase === 'open') {
    const { entries, setMembers } = (await open(path)).status()
    return entries + setMembers
  }
  const level = new LevelStorage(join(path, 'hearsay', 'db'))
  let records = 0
  if (phase === 'check') {
    const disk = new RecordStorage(level, path)
    await disk.open()
    await disk.load(() => {
      records++
    })
  } else {
    await level.open()
    for await (const page of level.scan()) records += page.length
  }
  return records
}

/** In a process of its own, started with --expose-gc. */
async function measure(phase: Phase, path: string): Promise<Measured> {
  global.gc?.()
  const before = process.memoryUsage()
  const beforeMs = performance.now()
  const beforeCpu = process.cpuUsage()
  const records = await run(phase, path)
  const cpu = process.cpuUsage(beforeCpu)
  const seconds = (performance.now() - beforeMs) / 1000
  global.gc?.()
  const after = process.memoryUsage()
  return {
    seconds,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
    records,
    heapBytes: after.heapUsed - before.heapUsed,
    // `external` counts array buffers too.
    externalBytes: after.external - before.external,
    residentBytes: after.rss - before.rss,
  }
}

function inChild(phase: Phase | 'fill', kind: Kind, path: string, entries: number): string {
  const args = ['--expose-gc', ...process.execArgv, import.meta.filename, phase, kind, path, String(entries)]
  return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function report(folder: string, entries: number): void {
  for (const kind of KINDS) {
    const path = join(folder, `${kind}-${entries}`)
    if (!existsSync(path)) inChild('fill', kind, path, entries)
    for (const phase of PHASES) {
      const measured: Measured = JSON.parse(inChild(phase, kind, path, entries))
      const each = (bytes: number): string => (bytes / measured.records).toFixed(0)
      const memory =
        phase === 'open'
          ? `, bytes an entry: ${each(measured.heapBytes + measured.externalBytes)} (heap ${each(measured.heapBytes)}, external ${each(measured.externalBytes)}), resident ${each(measured.residentBytes)}`
          : ''
      console.log(
        `open ${kind} ${phase.padEnd(5)} ${measured.records} records: ${measured.seconds.toFixed(2)} s, ${measured.cpuSeconds.toFixed(2)} s of CPU${memory}`,
      )
    }
  }
}

const { values, positionals } = parseArgs({
  options: { entries: { type: 'string', default: '1000000' }, folder: { type: 'string' } },
  allowPositionals: true,
})
const [phase, kind, path, count] = positionals
if (phase === 'fill') await fill(path ?? '', kind === 'set' ? 'set' : 'map', Number(count))
else if (phase === 'scan' || phase === 'check' || phase === 'open') {
  console.log(JSON.stringify(await measure(phase, path ?? '')))
  process.exit(0)
} else {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'hearsay-bench-'))
  mkdirSync(folder, { recursive: true })
  try {
    report(folder, Number(values.entries))
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
}
