/**
 * Who is who in `hearsay dev`: replica i has HTTP on base + 100 i, gossip on the port after it, its own directory, and
 * all others as peers. With the usual base that is 9093 and 9094, 9193 and 9194, and so on.
 */
import { join } from 'node:path'

export interface DevReplica {
  readonly name: string
  readonly httpPort: number
  readonly gossipPort: number
  readonly url: string
  readonly dataDir: string
  /** Arguments of `hearsay` that start this replica. */
  readonly serveArguments: readonly string[]
}

export interface DevPlanOptions {
  readonly nodes: number
  readonly dataDir: string
  readonly basePort: number
  readonly logLevel: string
}

const PORT_STEP = 100
export const NODES_MAX: number = 50

export function planReplicas(options: DevPlanOptions): readonly DevReplica[] {
  const numbers = Array.from({ length: options.nodes }, (_, i) => i)
  const gossipPort = (i: number): number => options.basePort + PORT_STEP * i + 1
  return numbers.map((i) => {
    const name = `dev-${i + 1}`
    const httpPort = options.basePort + PORT_STEP * i
    const dataDir = join(options.dataDir, name)
    return {
      name,
      httpPort,
      gossipPort: gossipPort(i),
      url: `http://127.0.0.1:${httpPort}`,
      dataDir,
      serveArguments: [
        'serve',
        `--storage.path=${dataDir}`,
        `--web.listen-address=127.0.0.1:${httpPort}`,
        `--cluster.listen-address=127.0.0.1:${gossipPort(i)}`,
        `--cluster.peer-name=${name}`,
        ...numbers.filter((j) => j !== i).map((j) => `--cluster.peer=127.0.0.1:${gossipPort(j)}`),
        `--log.level=${options.logLevel}`,
      ],
    }
  })
}
