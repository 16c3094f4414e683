/**
 * The processor time that a process has taken, all its threads together, as Linux counts it. Unlike requests a second it
 * depends little on what else the machine does, so it is what two servers are best compared by on a shared one.
 */
import { readFileSync } from 'node:fs'

/** Linux tells these times to programs in hundredths of a second on every machine. */
const TICK_MS = 10

/** @returns undefined where there is no such file, or no such process */
export function processCpuMs(pid: number): number | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** @param stat of `/proc/PID/stat`: user and system time are the 14th and 15th field, behind a name with anything in it */
export function parseStat(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return Number.isFinite(ticks) ? ticks * TICK_MS : undefined
}
