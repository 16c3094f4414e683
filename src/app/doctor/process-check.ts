/** What this machine gives a process: Node, open files, memory. */
import { readFile } from 'node:fs/promises'
import { getHeapStatistics } from 'node:v8'
import { type Check, type Finding, fail, ok, warn } from './finding.ts'

/** Of package.json. */
const NODE_LEAST = [20, 19] as const
/** Beside connections: the database, gossip, logs. */
const OTHER_FILES = 512
const MIB = 1024 ** 2

export interface ProcessFacts {
  /** As `20.19.0`. */
  readonly nodeVersion: string
  /** Undefined where the system does not say; infinite for no limit. */
  readonly openFilesMax: number | undefined
  readonly heapBytesMax: number
  /** What this process may have in all; undefined for no limit. */
  readonly memoryBytesMax: number | undefined
}

/** @param connectionsMax of `--web.max-connections` */
export function processCheck(
  connectionsMax: number,
  facts: () => Promise<ProcessFacts> = processFacts,
): Check {
  return { name: 'process', subject: 'node', run: async () => findings(await facts(), connectionsMax) }
}

function findings(facts: ProcessFacts, connectionsMax: number): readonly Finding[] {
  const { nodeVersion, openFilesMax } = facts
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  const isNew = major > NODE_LEAST[0] || (major === NODE_LEAST[0] && minor >= NODE_LEAST[1])
  return [
    isNew
      ? ok('node', nodeVersion, `at least ${NODE_LEAST.join('.')}`)
      : fail('node', nodeVersion, `hearsay needs ${NODE_LEAST.join('.')}`, 'install a newer Node'),
    ...(openFilesMax === undefined ? [] : [openFiles(openFilesMax, connectionsMax + OTHER_FILES)]),
    memory(facts),
  ]
}

function openFiles(max: number, wanted: number): Finding {
  const subject = Number.isFinite(max) ? String(max) : 'unlimited'
  if (max >= wanted) return ok('open files', subject, `at least ${wanted}`)
  const advice = 'raise LimitNOFILE (systemd) or ulimit -n, or lower --web.max-connections'
  return warn('open files', subject, `fewer than the ${wanted} that --web.max-connections may need`, advice)
}

function memory({ heapBytesMax, memoryBytesMax }: ProcessFacts): Finding {
  const heap = `heap up to ${Math.round(heapBytesMax / MIB)} MiB`
  if (memoryBytesMax === undefined) return ok('memory', 'no limit', heap)
  const subject = `${Math.round(memoryBytesMax / MIB)} MiB`
  if (heapBytesMax < memoryBytesMax) return ok('memory', subject, heap)
  const advice = `set NODE_OPTIONS=--max-old-space-size=${Math.round((0.7 * memoryBytesMax) / MIB)}`
  return warn('memory', subject, `${heap}, which is more than this process may have`, advice)
}

async function processFacts(): Promise<ProcessFacts> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const files = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1]
  const constrained = process.constrainedMemory()
  return {
    nodeVersion: process.versions.node,
    openFilesMax: files === undefined ? undefined : files === 'unlimited' ? Infinity : Number(files),
    heapBytesMax: getHeapStatistics().heap_size_limit,
    // Without a limit systems tell 0, or more than there is.
    memoryBytesMax: constrained > 0 && constrained < 2 ** 50 ? constrained : undefined,
  }
}
