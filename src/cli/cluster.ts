/** `hearsay cluster show`: the members as one replica sees them. */
import type { Command } from 'commander'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { formatTable, print, shown } from './output.ts'

interface ShowFlags extends ClientFlags {
  readonly output: string
}

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
  addUrlFlag(cluster.command('show').description('Print the members.'))
    .option('-o, --output <FORMAT>', 'table or json', 'table')
    .action(async (flags: ShowFlags) => {
      const answer = (await (await ask(flags, { path: ['cluster'] })).json()) as ClusterAnswer
      if (flags.output === 'json') print(JSON.stringify(answer))
      else print(clusterText(answer))
    })
}

/** The members as a table, then how this replica is, then what a person should do something about. */
export function clusterText(answer: ClusterAnswer): string {
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
  )
  const settled = answer.settled ? 'settled' : 'settling'
  const self = `* ${shown(answer.name)}: ${settled}, health score ${answer.healthScore} (0 is healthy)`
  const warnings = (answer.warnings ?? []).map((warning) => `warning: ${shown(warning)}`)
  return [table, '', self, ...warnings].join('\n')
}
