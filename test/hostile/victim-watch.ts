/**
 * What an attack does to a process, seen from outside: resident memory and CPU time by /proc, and the round trip of
 * pings from a socket of a bystander, one every 20 ms. Memory is read often and its peak taken from the kernel, so that
 * nothing hides between two readings.
 */
import { createSocket, type Socket } from 'node:dgram'
import { readFileSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { parseHostPort } from '../../src/base/host-port.ts'
import { aesGcm } from '../../src/gossip/io/aes-gcm.ts'
import { Keyring } from '../../src/gossip/wire/keyring.ts'
import { encodeMessage } from '../../src/gossip/wire/message-codec.ts'
import { openPacket, type SealOptions, sealPacket } from '../../src/gossip/wire/packet.ts'

const PROBE_EVERY_MS = 20
/** After which a probe counts as lost, and how long it then took. */
const LOST_MS = 1000
const CLOCK_TICKS_PER_SECOND = 100

/** Who is pinged, and under which key, if any. */
export interface Probed {
  readonly address: string
  readonly key?: Uint8Array | undefined
}

export interface Readings {
  readonly tookMs: readonly number[]
  readonly rssBeforeMiB: number
  readonly rssPeakMiB: number
  readonly rssAfterMiB: number
  readonly probes: number
  readonly lost: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of one core. */
  readonly cpuShare: number
}

/** @param field `VmRSS` now, `VmHWM` the most since `forgetPeak` */
export function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) / 1024
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
}

/** What its event loop ran, and what it waited for a core while it could have run. */
export interface CoreTime {
  readonly ranMs: number
  readonly waitedMs: number
}

/** Since its start; no waiting where the kernel does not count it. */
export function coreTime(pid: number): CoreTime {
  try {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8')
      .split(' ')
      .map(Number)
    return { ranMs: ran / 1e6, waitedMs: waited / 1e6 }
  } catch {
    return { ranMs: cpuSeconds(pid) * 1000, waitedMs: 0 }
  }
}

/** @returns round trips of probes, in rising order, while `during` lasts */
export async function probesDuring(
  probed: Probed,
  during: () => Promise<unknown>,
): Promise<readonly number[]> {
  const bystander = new Bystander(probed)
  await during()
  const { tookMs } = await bystander.end()
  return [...tookMs].sort((a, b) => a - b)
}

/** A memberlist peer that only asks whether somebody is there. */
class Bystander {
  readonly #socket: Socket = createSocket('udp4')
  readonly #sentAt = new Map<number, number>()
  readonly #tookMs: number[] = []
  readonly #timer: NodeJS.Timeout
  readonly #framing: SealOptions
  #seqNo = 1

  constructor({ address, key }: Probed) {
    const { host, port } = parseHostPort(address)
    const keyring = new Keyring(key === undefined ? [] : [key])
    const encryption = { keyring, aead: aesGcm, verifyIncoming: true, verifyOutgoing: true }
    this.#framing = { label: '', crc: true, compress: false, crc32, encryption }
    this.#socket.on('message', (bytes) => this.#heard(bytes))
    this.#timer = setInterval(() => {
      const seqNo = this.#seqNo++
      this.#sentAt.set(seqNo, performance.now())
      const ping = encodeMessage({ kind: 'ping', seqNo, node: '' })
      this.#socket.send(sealPacket([ping], this.#framing), port, host)
    }, PROBE_EVERY_MS)
  }

  #heard(bytes: Uint8Array): void {
    for (const message of openPacket(bytes, this.#framing).messages) {
      const sentAt = message.kind === 'ack' ? this.#sentAt.get(message.seqNo) : undefined
      if (message.kind !== 'ack' || sentAt === undefined) continue
      this.#sentAt.delete(message.seqNo)
      this.#tookMs.push(performance.now() - sentAt)
    }
  }

  async end(): Promise<{ tookMs: readonly number[]; lost: number }> {
    clearInterval(this.#timer)
    const endMs = performance.now() + LOST_MS
    while (this.#sentAt.size > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    this.#socket.close()
    const lost = this.#sentAt.size
    return { tookMs: [...this.#tookMs, ...Array.from({ length: lost }, () => LOST_MS)], lost }
  }
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** @param during what happens meanwhile */
export async function watchVictim(
  pid: number,
  probed: Probed,
  during: () => Promise<unknown>,
): Promise<Readings> {
  const rssBeforeMiB = memoryMiB(pid, 'VmRSS')
  forgetPeak(pid)
  const cpuBefore = cpuSeconds(pid)
  const startedMs = performance.now()
  const bystander = new Bystander(probed)
  await during()
  const { tookMs, lost } = await bystander.end()
  const tookS = (performance.now() - startedMs) / 1000
  const sorted = [...tookMs].sort((a, b) => a - b)
  return {
    tookMs: sorted,
    rssBeforeMiB,
    rssPeakMiB: memoryMiB(pid, 'VmHWM'),
    rssAfterMiB: memoryMiB(pid, 'VmRSS'),
    probes: sorted.length,
    lost,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    cpuShare: (cpuSeconds(pid) - cpuBefore) / tookS,
  }
}
