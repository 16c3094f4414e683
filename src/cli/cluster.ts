/** `hearsay cluster show`: the members as one replica sees them. */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { type Paint, paintFor, plain, type Tone } from './colour.ts'
import { formatTable, print, printJson, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'

type ShowFlags = ClientFlags & OutputFlags

/** What `GET /api/v1/cluster` says; older replicas leave out what has a question mark. */
export interface ClusterAnswer {
  readonly name: string
  readonly settled: boolean
  readonly healthScore: number
  readonly warnings?: readonly string[]
  readonly members: readonly {
    readonly name: string
    readonly state: string
    readonly address: string
    readonly incarnation: number
    readonly rttMs?: number
    readonly class: string
    readonly isSelf: boolean
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
  const cluster = program.command('cluster').description('Look at the cluster.')
  addOutputFlag(addUrlFlag(cluster.command('show').description('Print the members.'))).action(
    async (flags: ShowFlags) => {
      const answer = (await (await ask(flags, { path: ['cluster'] })).json()) as ClusterAnswer
      if (flags.output === 'json') printJson(answer)
      else print(clusterText(answer, paintFor(process.stdout)))
    },
  )
}

const TONES: ReadonlyMap<string, Tone> = new Map([
  ['alive', 'good'],
  ['ok', 'good'],
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
    member.udp?.state ?? '-',
    member.tcp?.state ?? '-',
  ])
  const lost = (answer.lost ?? []).map(({ name, state, address, since }) => [
    shown(name),
    `${shown(state)} since ${shown(since)}`,
    shown(address),
    ...Array<string>(5).fill('-'),
  ])
  const table = formatTable(
    ['NAME', 'STATE', 'ADDRESS', 'INCARNATION', 'RTT', 'CLASS', 'UDP', 'TCP'],
    [...rows, ...lost],
    { paint, tone: (cell) => TONES.get(cell.replace(/ since .*/, '')) },
  )
  const settled = answer.settled ? 'settled' : 'settling'
  const self = `* ${shown(answer.name)}: ${settled}, health score ${answer.healthScore} (0 is healthy)`
  const warnings = (answer.warnings ?? []).map((warning) => paint('doubtful', `warning: ${shown(warning)}`))
  return [table, '', self, ...warnings].join('\n')
}
