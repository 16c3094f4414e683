/** `hearsay cluster`: the members as one replica sees them, and taking that replica out and bringing it back. */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { registerJoin, registerLeave } from './cluster-membership.ts'
import { type Paint, paintFor, plain, type Tone } from './colour.ts'
import { formatTable, print, printJson, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'
import { replicaAnswer } from './replica-answer.ts'

type ShowFlags = ClientFlags & OutputFlags

/** What `GET /api/v1/cluster` says; older replicas leave out what has a question mark. */
export interface ClusterAnswer {
  readonly name: string
  readonly left?: boolean
  readonly settled: boolean
  readonly healthScore: number
  readonly lag?: { readonly members: number; readonly ms: number }
  readonly warnings?: readonly string[]
  readonly members: readonly {
    readonly name: string
    readonly state: string
    readonly address: string
    readonly incarnation: number
    readonly rttMs?: number
    readonly class: string
    readonly isSelf: boolean
    readonly version?: string
    readonly sameState?: boolean
    readonly udp?: { readonly state: string }
    readonly tcp?: { readonly state: string }
  }[]
  readonly lost?: readonly {
    readonly name: string
    readonly state: string
    readonly address: string
    readonly since: string
  }[]
}

export function registerCluster(program: Command): void {
  const cluster = program.command('cluster').description('Look at the cluster, leave it, join it.')
  addOutputFlag(addUrlFlag(cluster.command('show').description('Print the members.'))).action(
    async (flags: ShowFlags) => {
      const response = await ask(flags, { path: ['cluster'] })
      const answer = await replicaAnswer<ClusterAnswer>(flags.url, response, ['name', 'members'])
      if (flags.output === 'json') printJson(answer)
      else print(clusterText(answer, paintFor(process.stdout)))
    },
  )
  registerJoin(cluster)
  registerLeave(cluster)
}

const TONES: ReadonlyMap<string, Tone> = new Map([
  ['alive', 'good'],
  ['ok', 'good'],
  ['same', 'good'],
  ['differs', 'doubtful'],
  ['suspect', 'doubtful'],
  ['left', 'faint'],
  ['lost', 'bad'],
  ['dead', 'bad'],
  ['failing', 'bad'],
])

/** The members as a table, then how this replica is, then what a person should do something about. */
export function clusterText(answer: ClusterAnswer, paint: Paint = plain): string {
  const rows = answer.members.map((member) => [
    `${shown(member.name)}${member.isSelf ? ' *' : ''}`,
    member.state,
    member.address,
    String(member.incarnation),
    member.rttMs === undefined ? '-' : `${member.rttMs.toFixed(1)} ms`,
    member.class,
    shown(member.version ?? '-'),
    member.sameState === undefined ? '-' : member.sameState ? 'same' : 'differs',
    member.udp?.state ?? '-',
    member.tcp?.state ?? '-',
  ])
  const lost = (answer.lost ?? []).map(({ name, state, address, since }) => [
    shown(name),
    `${shown(state)} since ${shown(since)}`,
    shown(address),
    ...Array<string>(7).fill('-'),
  ])
  const table = formatTable(
    ['NAME', 'STATE', 'ADDRESS', 'INCARNATION', 'RTT', 'CLASS', 'VERSION', 'DATA', 'UDP', 'TCP'],
    [...rows, ...lost],
    { paint, tone: (cell) => TONES.get(cell.replace(/ since .*/, '')) },
  )
  const state = answer.left === true ? 'left' : answer.settled ? 'settled' : 'settling'
  const health = `health score ${answer.healthScore} (0 is healthy)`
  const self = `* ${shown(answer.name)}: ${state}, ${health}${lagText(answer.lag)}`
  const warnings = (answer.warnings ?? []).map((warning) => paint('doubtful', `warning: ${shown(warning)}`))
  return [table, '', self, ...warnings].join('\n')
}

function lagText(lag: ClusterAnswer['lag']): string {
  if (lag === undefined || lag.members === 0) return ''
  const members = lag.members === 1 ? '1 member differs' : `${lag.members} members differ`
  return `, ${members} for ${(lag.ms / 1000).toFixed(1)} s`
}
