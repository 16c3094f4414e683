/**
 * One run of a simulated cluster from one seed, in two phases.
 *
 * Safety: faults on, clients writing; every promise that must hold at any time is checked every 250 ms of virtual
 * time. Liveness: faults stop, cuts heal, the dead are booted; within a bound all nodes must take each other for
 * alive, hold equal states and have nothing left to send or write; then every acknowledged write must be there.
 *
 * A violation throws `SimFailure`, whose text holds the seed, the derived options, the fault plan and the last events.
 * The seed alone replays the run: nothing in it waits, reads a clock or rolls other dice.
 */
import { unreachable } from '../base/assert.ts'
import { HearsayError } from '../base/errors.ts'
import { type DiskHarm, describeFault, type PlannedFault, planFaults } from './fault-plan.ts'
import { SimCluster } from './sim-cluster.ts'
import type { SimCollaborators } from './sim-collaborators.ts'
import type { NetworkCounters } from './sim-network.ts'
import { deriveOptions, type SimOptions, type SimOverrides } from './sim-options.ts'
import { SimWorkload } from './sim-workload.ts'
import { Trace } from './trace.ts'

const CHECK_EVERY_MS = 250
/** How long a cluster at rest is watched for not staying so. */
const REST_MS = 2000
const VIOLATIONS_SHOWN_MAX = 10
/** Batches or records that one harm destroys at most. */
const HARMED_MAX = 8

export interface SimulateOptions {
  readonly overrides?: SimOverrides
  /** Wrong parts, to see whether they are caught. */
  readonly collaborators?: SimCollaborators
  /** Hears every event as a line of text. */
  readonly onEvent?: (line: string) => void
}

export interface NotificationReport {
  readonly flushes: number
  /** Messages that the receiver got. */
  readonly deliveries: number
  /** Of them those beyond the first of their flush. */
  readonly duplicates: number
}

export interface SimReport {
  readonly options: SimOptions
  readonly plan: readonly PlannedFault[]
  readonly traceHash: string
  readonly events: number
  /** Virtual time from start to rest. */
  readonly virtualMs: number
  /** From the end of the faults to rest. */
  readonly convergedAfterMs: number
  readonly nodeSeconds: number
  readonly acked: number
  readonly failed: number
  readonly unknown: number
  readonly boots: number
  readonly network: NetworkCounters
  /** Undefined when nobody was to be notified. */
  readonly notifications: NotificationReport | undefined
  /** What happened how often, by name (marks.ts). */
  readonly marks: Readonly<Record<string, number>>
}

/** Code `SIM_VIOLATION`. */
export class SimFailure extends HearsayError {
  override readonly name = 'SimFailure'
  readonly violations: readonly string[]

  constructor(violations: readonly string[], cluster: SimCluster, plan: readonly PlannedFault[]) {
    const shown = violations.slice(0, VIOLATIONS_SHOWN_MAX)
    super(
      'SIM_VIOLATION',
      [
        `seed ${cluster.options.seed} at ${cluster.clock.nowMs.toFixed(1)} ms: ${violations.length} violations`,
        ...shown.map((text) => `  ${text}`),
        `replay: hearsay sim --seed ${cluster.options.seed}`,
        `smaller: hearsay sim --seed ${cluster.options.seed} --shrink`,
        `options: ${JSON.stringify(cluster.options)}`,
        ...plan.map((fault) => `fault: ${describeFault(fault)}`),
        'last events:',
        cluster.trace.recent(),
      ].join('\n'),
    )
    this.violations = violations
  }
}

/** @throws SimFailure when a promise is broken */
export function simulate(seed: number, how: SimulateOptions = {}): SimReport {
  const options = deriveOptions(seed, how.overrides)
  const plan = planFaults(options).filter((_, place) => options.keep?.includes(place) ?? true)
  const cluster = new SimCluster({
    options,
    trace: new Trace(how.onEvent),
    ...(how.collaborators === undefined ? {} : { collaborators: how.collaborators }),
  })
  const demand = (violations: readonly string[]): void => {
    if (violations.length > 0) throw new SimFailure(violations, cluster, plan)
  }
  runSafety(cluster, plan, demand)
  demand([...cluster.checkAlgebra(), ...cluster.checkRoots()])
  const convergedAfterMs = runLiveness(cluster, demand)
  cluster.atRest()
  demand([...cluster.check(), ...cluster.checkRoots()])
  demand(cluster.lost())
  const { ledger, clock, trace, network } = cluster
  return {
    options,
    plan,
    traceHash: trace.hash(),
    events: trace.count,
    virtualMs: clock.nowMs,
    convergedAfterMs,
    nodeSeconds: (clock.nowMs / 1000) * options.nodes,
    acked: ledger.count('acked'),
    failed: ledger.count('failed'),
    unknown: ledger.count('unknown'),
    boots: cluster.nodes.reduce((sum, node) => sum + node.boots, 0),
    network: network.counters,
    notifications: cluster.notifications?.report(),
    marks: cluster.marks.toRecord(),
  }
}

type Demand = (violations: readonly string[]) => void

function runSafety(cluster: SimCluster, plan: readonly PlannedFault[], demand: Demand): void {
  const { options, clock, nodes } = cluster
  cluster.setFaults(options.link, options.disk)
  for (const { index } of nodes) cluster.boot(index)
  for (const fault of plan) schedule(cluster, fault)
  cluster.beginFlushes()
  const workload = new SimWorkload(options)
  const ask = (): void => {
    if (clock.nowMs >= options.safetyMs) return
    for (const { node, op } of workload.next(cluster.node(0).clock.wallMs())) cluster.submit(node, op)
    clock.after(workload.gapMs(), ask)
  }
  clock.after(workload.gapMs(), ask)
  for (let atMs = CHECK_EVERY_MS; atMs < options.safetyMs; atMs += CHECK_EVERY_MS) {
    cluster.runUntil(atMs)
    demand(cluster.check())
  }
  cluster.runUntil(options.safetyMs)
}

function runLiveness(cluster: SimCluster, demand: Demand): number {
  const { options, clock, trace } = cluster
  trace.event(clock.nowMs, -1, 'liveness', 0)
  cluster.clearFaults()
  const deadlineMs = options.safetyMs + options.livenessMaxMs
  let restSinceMs: number | undefined
  while (restSinceMs === undefined || clock.nowMs - restSinceMs < REST_MS) {
    cluster.runUntil(clock.nowMs + CHECK_EVERY_MS)
    demand(cluster.check())
    const reasons = cluster.unsettled()
    if (reasons.length === 0) restSinceMs ??= clock.nowMs
    else if (clock.nowMs >= deadlineMs) demand(reasons.map((reason) => `not at rest in time: ${reason}`))
    else restSinceMs = undefined
  }
  return restSinceMs - options.safetyMs
}

function schedule(cluster: SimCluster, fault: PlannedFault): void {
  const { clock } = cluster
  clock.at(fault.atMs, () => {
    cluster.marks.hit(`fault:${fault.kind}`)
    switch (fault.kind) {
      case 'partition':
        clock.at(fault.untilMs, cluster.partition(fault.side))
        return
      case 'one-way':
        clock.at(fault.untilMs, cluster.cut(fault.from, fault.to))
        return
      case 'crash':
      case 'absence':
        restart(cluster, fault.node, fault.untilMs)
        return
      case 'wrong-clock':
        cluster.jumpClock(fault.node, fault.byMs)
        clock.at(fault.untilMs, () => restart(cluster, fault.node, clock.nowMs))
        return
      case 'leave':
        if (cluster.node(fault.node).process === undefined) return
        cluster.leave(fault.node, () => clock.at(fault.untilMs, () => cluster.boot(fault.node)))
        return
      case 'mass-restart':
        massRestart(cluster, fault.atMs, fault.untilMs)
        return
      case 'stall':
        cluster.stall(fault.node)
        clock.at(fault.untilMs, () => cluster.resume(fault.node))
        return
      default:
        restart(cluster, fault.node, fault.untilMs, (index) => harmDisk(cluster, index, fault))
    }
  })
}

/** Kills a node and boots it later. Two planned ends may overlap: one that is down already stays so until its own boot. */
function restart(cluster: SimCluster, node: number, untilMs: number, down?: (node: number) => void): void {
  if (cluster.node(node).process === undefined) return
  cluster.kill(node)
  down?.(node)
  cluster.clock.at(untilMs, () => cluster.boot(node))
}

function massRestart(cluster: SimCluster, atMs: number, untilMs: number): void {
  const stepMs = (untilMs - atMs) / cluster.nodes.length
  for (const { index } of cluster.nodes) restart(cluster, index, atMs + stepMs * (index + 1))
}

function harmDisk(
  cluster: SimCluster,
  node: number,
  fault: PlannedFault & { readonly kind: DiskHarm },
): void {
  const { nowMs } = cluster.clock
  switch (fault.kind) {
    case 'wipe':
      cluster.harm(node, (disk) => disk.wipe())
      return
    case 'restore':
      cluster.harm(node, (disk) => disk.restore(disk.image(nowMs * fault.share)), true)
      return
    case 'clone': {
      const { disk: source } = cluster.node(
        fault.from === node ? (node + 1) % cluster.nodes.length : fault.from,
      )
      cluster.harm(node, (disk) => disk.restore(source.image()), true)
      return
    }
    case 'lost-tail':
      cluster.harm(node, (disk) => disk.loseTail(1 + Math.floor(HARMED_MAX * fault.share)))
      return
    case 'damage':
      cluster.harm(node, (disk) => {
        if (fault.share < 0.5) disk.loseMiddle()
        else disk.flipBits(1 + Math.floor(HARMED_MAX * (fault.share - 0.5)))
      })
      return
    default:
      unreachable(fault.kind)
  }
}
