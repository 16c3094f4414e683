/**
 * A listen address: whether this machine has it, whether it is free, and if not, who holds it.
 *
 * Held by the replica that has our data directory open is well: the doctor is mostly asked about one that runs. Another one
 * would keep `serve` from starting. What binds here is let go at once.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { errorCode } from '../../base/errors.ts'
import { formatHostPort, parseHostPort } from '../../base/host-port.ts'
import { type Check, type Finding, fail, ok } from './finding.ts'

const ELSEWHERE = 'serve with these flags would fail: see whether --storage.path is the one you mean'

export type PortKind = 'tcp' | 'udp'

export interface PortHolder {
  readonly who: string
  readonly isReplica: boolean
}

export interface PortCheckOptions {
  readonly name: 'http port' | 'gossip port'
  /** The flag by which it is changed. */
  readonly flag: string
  /** `host:port`. */
  readonly listen: string
  readonly kinds: readonly PortKind[]
  /** @returns undefined when it can be bound, else the system's code */
  readonly bind: (kind: PortKind, host: string, port: number) => Promise<string | undefined>
  /** Who answers there; undefined for who says nothing that we know. */
  readonly holder: (host: string, port: number) => Promise<PortHolder | undefined>
  /** Whether it is held by the process that has our data directory open; undefined where that cannot be known. */
  readonly isOurs: (kind: PortKind, port: number) => Promise<boolean | undefined>
}

export function portCheck(options: PortCheckOptions): Check {
  const { name, listen } = options
  return { name, subject: listen, run: () => examined(options) }
}

async function examined(options: PortCheckOptions): Promise<readonly Finding[]> {
  const { name, flag, listen, kinds, bind, holder, isOurs } = options
  const { host, port } = parseHostPort(listen)
  if (port === 0) return [ok(name, listen, 'any free port')]
  const found: Finding[] = []
  for (const kind of kinds) {
    const code = await bind(kind, host, port)
    const subject = `${formatHostPort({ host, port })} ${kind}`
    if (code === undefined) found.push(ok(name, subject, 'free'))
    else if (code !== 'EADDRINUSE') found.push(fail(name, subject, trouble(code), `choose another ${flag}`))
    else {
      const held = await holder(host === '' || host === '0.0.0.0' ? '127.0.0.1' : host, port)
      const { who, isReplica } = held ?? { who: 'another program', isReplica: false }
      const advice = `stop that one, or choose another ${flag}`
      if (!isReplica) found.push(fail(name, subject, `in use by ${who}`, advice))
      else if ((await isOurs(kind, port)) !== false) found.push(ok(name, subject, `in use by ${who}`))
      else found.push(fail(name, subject, `in use by ${who}, which keeps its data elsewhere`, ELSEWHERE))
    }
  }
  return found
}

function trouble(code: string): string {
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have this address'
  if (code === 'EACCES') return 'this user may not listen there'
  return code
}

/** @returns undefined when it could be bound, and was let go, else the system's code */
export async function tryBind(kind: PortKind, host: string, port: number): Promise<string | undefined> {
  const socket = kind === 'tcp' ? createServer() : createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    if ('bind' in socket) socket.bind({ port, exclusive: true, ...(host === '' ? {} : { address: host }) })
    else socket.listen({ port, exclusive: true, ...(host === '' ? {} : { host }) })
    await once(socket, 'listening')
    return undefined
  } catch (error) {
    return errorCode(error) ?? String(error)
  } finally {
    socket.close()
  }
}
