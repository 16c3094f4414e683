/**
 * Hosts with networks of their own on this machine, for tests that cut cables: Linux network namespaces, each with an
 * address in a cluster network that can be cut in two, and one in a management network that never is.
 *
 *     host 0: 10.77.0.1 --+                                      198.18.N.1 --+
 *     host 1: 10.77.0.2 --+-- bridge `side0` or `side1`          198.18.N.2 --+-- bridge `mgmt` -- this process
 *
 * A cut moves hosts to the other bridge. They know each other's hardware addresses by heart, so that what they send across
 * the cut vanishes without a sign, as behind a broken router: datagrams are lost, and dialling hangs until it times out.
 * A cut in one direction is a wrong such address.
 *
 * Everything is named after the pid of the test process and goes with `remove`, at the latest when the process exits; what a
 * killed test process left behind is swept by the next one. Needs root and iproute2, nothing else.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { commandExists, type Requirement } from './requirement.ts'

/** A host to run processes on. */
export interface NetHost {
  /** In the cluster network: what peers dial, and what a cut separates. */
  readonly clusterAddress: string
  /** Reached by the test process whatever is cut. */
  readonly managementAddress: string
  /** Put before a command to run it on this host; the process keeps its pid. */
  readonly prefix: readonly string[]
}

const PREFIX = /^hearsay(\d+)-/
const NETNS_FOLDER = '/run/netns'
/** For benchmarks of networks (RFC 2544): nobody has an address there. */
const MANAGEMENT = '198.18'
const CLUSTER = '10.77.0'
const HOSTS_MAX = 200
/** A hardware address like those of hosts, of none. */
const NOBODY = '02:68:73:00:00:ff'

let made = 0

function ip(args: readonly string[], commands: readonly string[] = []): string {
  const batch = commands.length === 0 ? [] : ['-batch', '-']
  return execFileSync('ip', [...args, ...batch], {
    input: commands.join('\n'),
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

/** For removing what may be gone already. */
function tryIp(args: readonly string[], commands: readonly string[] = []): void {
  try {
    ip(args, commands)
  } catch {
    // Nothing is left to remove.
  }
}

function isPresent(): boolean {
  if (process.getuid?.() !== 0 || !commandExists('ip')) return false
  const name = `hearsay${process.pid}-probe`
  try {
    ip(['netns', 'add', name])
    ip(['-n', name, 'link', 'add', 'side0', 'type', 'bridge'])
    ip(['netns', 'del', name])
    return true
  } catch {
    return false
  }
}

export const NET_NAMESPACES: Requirement = {
  name: 'network namespaces',
  present: isPresent(),
  install: 'run as root on Linux, with iproute2',
  isOptional: true,
}

export class NetNamespaces {
  readonly hosts: readonly NetHost[]
  readonly #names: readonly string[]
  readonly #switch: string
  /** Of this process, in the management network. */
  readonly #uplink: string
  /** From and to, as numbers of hosts. */
  readonly #oneWay: (readonly [number, number])[] = []
  readonly #remove = (): void => this.remove()

  /** @throws when the kernel refuses; nothing is left then */
  constructor(hosts: number) {
    if (hosts < 1 || hosts > HOSTS_MAX) throw new Error(`between 1 and ${HOSTS_MAX} hosts`)
    sweep()
    const serial = made++
    const label = `hearsay${process.pid}-${serial}`
    const numbers = Array.from({ length: hosts }, (_, i) => i + 1)
    const network = `${MANAGEMENT}.${freeNetwork()}`
    this.#switch = `${label}-switch`
    this.#uplink = `hs${serial}-${process.pid}`
    this.#names = numbers.map((n) => `${label}-${n}`)
    this.hosts = this.#names.map((name, i) => ({
      clusterAddress: `${CLUSTER}.${i + 1}`,
      managementAddress: `${network}.${i + 1}`,
      prefix: ['ip', 'netns', 'exec', name],
    }))
    process.once('exit', this.#remove)
    try {
      this.#build(network)
    } catch (error) {
      this.remove()
      throw error
    }
  }

  #build(network: string): void {
    const cables = this.#names.flatMap((name, i) => [
      `link add eth0 address ${hardware(i)} netns ${name} type veth peer name cluster${i} netns ${this.#switch}`,
      `link add eth1 netns ${name} type veth peer name mgmt${i} netns ${this.#switch}`,
    ])
    ip(
      [],
      [
        ...[this.#switch, ...this.#names].map((name) => `netns add ${name}`),
        ...cables,
        `link add ${this.#uplink} type veth peer name uplink netns ${this.#switch}`,
        `addr add ${network}.254/24 dev ${this.#uplink}`,
        `link set ${this.#uplink} up`,
      ],
    )
    const plug = (port: string, bridge: string): string => `link set ${port} master ${bridge} up`
    const bridges = ['side0', 'side1', 'mgmt']
    ip(
      ['-n', this.#switch],
      [
        ...bridges.flatMap((bridge) => [`link add ${bridge} type bridge`, `link set ${bridge} up`]),
        ...this.#names.flatMap((_, i) => [plug(`cluster${i}`, 'side0'), plug(`mgmt${i}`, 'mgmt')]),
        plug('uplink', 'mgmt'),
      ],
    )
    this.#names.forEach((name, i) => {
      const others = this.hosts.flatMap(({ clusterAddress }, j) =>
        j === i ? [] : [`neigh add ${clusterAddress} lladdr ${hardware(j)} dev eth0 nud permanent`],
      )
      ip(
        ['-n', name],
        [
          'link set lo up',
          `addr add ${CLUSTER}.${i + 1}/24 dev eth0`,
          'link set eth0 up',
          `addr add ${network}.${i + 1}/24 dev eth1`,
          'link set eth1 up',
          ...others,
        ],
      )
    })
  }

  /** These hosts, by number from 0, reach each other and none of the rest, until `heal` or another cut. */
  cut(hosts: readonly number[]): void {
    ip(
      ['-n', this.#switch],
      this.#names.map((_, i) => `link set cluster${i} master side${hosts.includes(i) ? 1 : 0}`),
    )
  }

  /** What the one host sends to the other, both by number, is lost; not what comes back. */
  cutOneWay(from: number, to: number): void {
    this.#pointTo(from, to, NOBODY)
    this.#oneWay.push([from, to])
  }

  /** Ends every cut. */
  heal(): void {
    this.cut([])
    for (const [from, to] of this.#oneWay.splice(0)) this.#pointTo(from, to, hardware(to))
  }

  #pointTo(from: number, to: number, lladdr: string): void {
    const neighbour = `${this.hosts[to]?.clusterAddress} lladdr ${lladdr} dev eth0 nud permanent`
    ip(['-n', this.#names[from] ?? ''], [`neigh replace ${neighbour}`])
  }

  /** Idempotent. Processes on the hosts are not ended: that is their owner's business, and before this. */
  remove(): void {
    process.off('exit', this.#remove)
    removeNamespaces([this.#switch, ...this.#names])
    // Its other end went with the namespace; the kernel takes its time over that.
    if (ip(['-oneline', 'link']).includes(` ${this.#uplink}@`)) tryIp(['link', 'del', this.#uplink])
  }
}

function hardware(host: number): string {
  return `02:68:73:00:00:${(host + 1).toString(16).padStart(2, '0')}`
}

function namespaces(): string[] {
  try {
    return readdirSync(NETNS_FOLDER)
  } catch {
    return []
  }
}

function removeNamespaces(names: readonly string[]): void {
  const there = new Set(namespaces())
  const commands = names.filter((name) => there.has(name)).map((name) => `netns del ${name}`)
  if (commands.length > 0) tryIp(['-force'], commands)
}

/** What test processes left that are no more. */
function sweep(): void {
  removeNamespaces(namespaces().filter((name) => !isRunning(Number(PREFIX.exec(name)?.[1] ?? process.pid))))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The third number of a management network that this machine has no address in. */
function freeNetwork(): number {
  const taken = ip(['-4', '-oneline', 'addr'])
  for (let i = 0; i < 256; i++) {
    const number = (process.pid + made + i) % 256
    if (!taken.includes(` ${MANAGEMENT}.${number}.`)) return number
  }
  throw new Error(`no free network in ${MANAGEMENT}.0.0/16`)
}
