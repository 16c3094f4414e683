/**
 * Durable PUT and GET of 100 bytes, and POST of silences, at 64 connections by wrk: hearsay alone and as one of three, beside
 * the stub, etcd and Alertmanager, in short turns, because the machine's speed drifts: forth and back through all of them.
 * Each figure is the median of its turns; so is each ratio, of two turns that stood side by side.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HearsayError } from '../base/errors.ts'
import { HttpClient } from './http-client.ts'
import {
  type StartOptions,
  startAlertmanager,
  startEtcd,
  startHearsay,
  startStub,
  type Target,
  type Work,
} from './http-targets.ts'
import { loadTable, type Turn } from './load-table.ts'
import { processCpuMs } from './process-cpu.ts'
import { slowDisk } from './slow-disk.ts'
import { isInstalled, writeScript, wrk } from './wrk.ts'

const TURNS = 5
const SECONDS = 2
const FILLERS = 64
const TITLES: Readonly<Record<Work, string>> = {
  PUT: 'durable PUT of 100 B',
  GET: 'GET of 100 B',
  'POST silence': 'POST of a silence',
}

export interface HttpLoadOptions {
  /** Instead of the disk of this machine, one whose syncs take so much longer: the stub and hearsay alone. */
  readonly fsyncDelayMs: number | undefined
  readonly print: (line: string) => void
}

/** @throws HearsayError `BENCH_PEER_FAILED`, `BENCH_WRITE_FAILED` */
export async function httpLoad(options: HttpLoadOptions): Promise<void> {
  const { print, fsyncDelayMs } = options
  if (!isInstalled('wrk')) {
    print('http: wrk is not installed (apt-get install wrk), left out')
    return
  }
  const directory = mkdtempSync(join(tmpdir(), 'hearsay-bench-http-'))
  try {
    if (fsyncDelayMs === undefined) await onThisDisk({ directory, env: {} }, print)
    else await onSlowDisk(directory, fsyncDelayMs, print)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function onThisDisk(start: StartOptions, print: (line: string) => void): Promise<void> {
  const starts = [() => startStub(start), () => startHearsay(start, { label: 'hearsay', replicas: 1 })]
  starts.push(() => startHearsay(start, { label: 'hearsay, one of three', replicas: 3 }))
  if (isInstalled('etcd')) starts.push(() => startEtcd(start))
  else print('http: etcd is not installed (apt-get install etcd-server), left out')
  await compare(start.directory, starts, ['PUT', 'GET'], print)

  const silences = [() => startHearsay(start, { label: 'hearsay (durable)', replicas: 1 })]
  if (isInstalled('prometheus-alertmanager')) silences.unshift(() => startAlertmanager(start))
  else print('http: Alertmanager is not installed (apt-get install prometheus-alertmanager), left out')
  await compare(start.directory, silences, ['POST silence'], print)
}

async function onSlowDisk(directory: string, delayMs: number, print: (line: string) => void): Promise<void> {
  const env = slowDisk(directory, delayMs)
  if (typeof env === 'string') {
    print(`http: ${env}, left out`)
    return
  }
  const start = { directory, env }
  const starts = [() => startStub(start), () => startHearsay(start, { label: 'hearsay', replicas: 1 })]
  print(
    `http  each sync takes ${Math.round(delayMs)} ms longer: one write after the other, ${Math.round(1000 / delayMs)}/s at most`,
  )
  await compare(directory, starts, ['PUT'], print)
}

/** Starts them all, measures them in turns, and ends them. */
async function compare(
  directory: string,
  starts: readonly (() => Promise<Target>)[],
  works: readonly Work[],
  print: (line: string) => void,
): Promise<void> {
  const targets: Target[] = []
  try {
    for (const start of starts) targets.push(await start())
    for (const work of works) {
      const turns = await takeTurns(directory, targets, work)
      for (const line of loadTable(TITLES[work], turns)) print(line)
    }
  } finally {
    await Promise.all(targets.map((target) => target.stop()))
  }
}

async function takeTurns(
  directory: string,
  targets: readonly Target[],
  work: Work,
): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const turns = new Map<string, Turn[]>(targets.map(({ label }) => [label, []]))
  for (const target of targets) if (work === 'GET') await fill(target)
  // Not counted: programs that compile as they run are faster after it.
  for (const target of targets) await takeTurn(directory, target, work)
  for (let round = 0; round < TURNS; round++) {
    for (const target of round % 2 === 0 ? targets : [...targets].reverse()) {
      turns.get(target.label)?.push(await takeTurn(directory, target, work))
    }
  }
  return turns
}

/** So that every read finds something, however few writes there were. */
async function fill({ label, url, works }: Target): Promise<void> {
  const { method = 'PUT', contentType, list = [] } = works.get('PUT') ?? {}
  const client = new HttpClient(url, FILLERS)
  const left = list.values()
  const filler = async (): Promise<void> => {
    for (const { path, body } of left) {
      const { status } = await client.send(method, path, body, contentType)
      if (status > 201)
        throw new HearsayError('BENCH_WRITE_FAILED', `${label}: ${method} ${path} gives ${status}`)
    }
  }
  try {
    await Promise.all(Array.from({ length: FILLERS }, filler))
  } finally {
    client.close()
  }
}

async function takeTurn(directory: string, { works, url, pid }: Target, work: Work): Promise<Turn> {
  const requests = works.get(work)
  const script = writeScript(join(directory, 'requests'), requests ?? { method: 'GET', list: [] })
  const beforeMs = processCpuMs(pid)
  const result = await wrk(url, script, SECONDS)
  const afterMs = processCpuMs(pid)
  const cpuUs =
    beforeMs === undefined || afterMs === undefined
      ? undefined
      : ((afterMs - beforeMs) * 1000) / result.requests
  return { ...result, cpuUs }
}
