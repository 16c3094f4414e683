/** Whether a process holds a port, as the kernel's tables have it: by the numbers of its sockets. Linux only. */
import { promises as fs } from 'node:fs'
import type { PortKind } from './port-check.ts'

const LISTENING = '0A'

/** @returns undefined where the system does not say, or not to this user */
export async function holdsPort(pid: string, kind: PortKind, port: number): Promise<boolean | undefined> {
  try {
    const tables = await Promise.all(
      [kind, `${kind}6`].map((name) => fs.readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
    )
    const sockets = new Set(tables.flatMap((table) => socketsAt(table, kind, port)))
    if (sockets.size === 0) return undefined
    const folder = `/proc/${pid}/fd`
    const links = (await fs.readdir(folder)).map((name) => fs.readlink(`${folder}/${name}`).catch(() => ''))
    return (await Promise.all(links)).some((link) => sockets.has(link))
  } catch {
    return undefined
  }
}

/** As links of open files name them. */
function socketsAt(table: string, kind: PortKind, port: number): readonly string[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    const isHere = Number.parseInt(local.split(':')[1] ?? '', 16) === port
    return isHere && (kind === 'udp' || state === LISTENING) ? [`socket:[${inode}]`] : []
  })
}
