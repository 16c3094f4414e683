/**
 * The attacks, by name: what a stranger on the network can do to the gossip port without knowing a secret. Each runs for
 * the time it is given, or until it has done its part, and tells how much it sent.
 *
 * Floods are paced, in turns of 5 ms: a faster one fills the kernel's buffer, and what the kernel drops proves nothing.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { HostPort } from '../../src/base/host-port.ts'
import type { Random } from '../../src/base/random.ts'
import { aesGcm } from '../../src/gossip/io/aes-gcm.ts'
import type { Encryption } from '../../src/gossip/wire/encryption.ts'
import { Keyring } from '../../src/gossip/wire/keyring.ts'
import { encodeMessage } from '../../src/gossip/wire/message-codec.ts'
import { MessageType } from '../../src/gossip/wire/message-type.ts'
import { sealPacket } from '../../src/gossip/wire/packet.ts'
import { encodeStream } from '../../src/gossip/wire/stream.ts'
import * as bytes from './attack-bytes.ts'

const TURN_MS = 5
const MEBIBYTE = 1024 * 1024

export interface AttackRun {
  readonly at: HostPort
  readonly forMs: number
  readonly random: Random
  /** Datagrams a second for floods. */
  readonly perSecond: number
  /** Of who is no attacker. */
  readonly encryption: Encryption | undefined
}

/** @returns datagrams or streams sent */
export type Attack = (run: AttackRun) => Promise<number>

/** @param next the datagram of this number, or undefined at the end */
async function flood(run: AttackRun, next: (number: number) => Uint8Array | undefined): Promise<number> {
  const socket: UdpSocket = createSocket('udp4')
  const endMs = performance.now() + run.forMs
  let sent = 0
  try {
    for (
      let lastMs = performance.now(), nowMs = lastMs;
      nowMs < endMs;
      lastMs = nowMs, nowMs = performance.now()
    ) {
      // What a busy machine kept us from sending is not made up for at once: that would be a burst, not a flood.
      const due = (Math.min(nowMs - lastMs, 4 * TURN_MS) * run.perSecond) / 1000
      const flying: Promise<unknown>[] = []
      for (let i = 0; i < due; i++) {
        const datagram = next(sent++)
        if (datagram === undefined) return sent - 1
        flying.push(new Promise((resolve) => socket.send(datagram, run.at.port, run.at.host, resolve)))
      }
      await Promise.all(flying)
      await sleep(TURN_MS)
    }
    return sent
  } finally {
    socket.close()
  }
}

function dial({ host, port }: HostPort): Socket {
  return connect(port, host).on('error', () => undefined)
}

/** Keeps `count` connections, opening a new one for each that is closed, and does something with each. */
async function hold(
  run: AttackRun,
  count: number,
  use: (socket: Socket, number: number) => void,
): Promise<number> {
  const open = new Set<Socket>()
  const endMs = performance.now() + run.forMs
  let dialled = 0
  const add = (): void => {
    const socket = dial(run.at)
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    use(socket, dialled++)
  }
  while (performance.now() < endMs) {
    // A few at a time: a storm of dials would be another attack, and its own brake.
    for (let i = 0; i < 20 && open.size < count; i++) add()
    await sleep(TURN_MS)
  }
  for (const socket of open) socket.destroy()
  return dialled
}

function drip(socket: Socket, everyMs: number, chunk: () => Uint8Array): void {
  const timer = setInterval(() => (socket.writable ? socket.write(chunk()) : undefined), everyMs)
  socket.once('close', () => clearInterval(timer))
}

function pour(socket: Socket, totalBytes: number, chunkBytes: number): void {
  const chunk = Buffer.alloc(chunkBytes, 0x0a)
  let left = totalBytes
  const more = (): void => {
    while (left > 0 && socket.writable) {
      left -= chunk.length
      if (!socket.write(chunk)) return
    }
  }
  socket.on('drain', more).once('connect', more)
}

/** Pregenerated: the attacker must not be slower than what it attacks. */
function pool(count: number, make: (number: number) => Uint8Array): (number: number) => Uint8Array {
  const made = Array.from({ length: count }, (_, i) => make(i))
  return (number) => made[number % count] as Uint8Array
}

/** Not an attack: what a busy cluster sends, so that a process is warm before it is measured. */
async function busyCluster(run: AttackRun): Promise<number> {
  const { encryption } = run
  const state = bytes.unknownParts(10 * MEBIBYTE)
  const large = encodeStream({ kind: 'push-pull', join: false, nodes: [], userState: state }, { encryption })
  const small = encodeStream({ kind: 'user', payload: bytes.unknownParts(600) }, { encryption })
  const options = { label: '', crc: false, compress: false, crc32, encryption }
  const sent = await Promise.all([
    flood(run, (number) => sealPacket([bytes.ping(number)], options)),
    hold(run, 8, (socket, number) => socket.write(number % 20 === 0 ? large : small)),
  ])
  return sent.reduce((sum, count) => sum + count, 0)
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'busy-cluster': busyCluster,
  'udp-garbage': (run) =>
    flood(
      run,
      pool(2000, () => bytes.garbage(run.random, 1400)),
    ),
  'udp-pings': (run) => flood(run, (number) => bytes.ping(number)),
  'forged-names': (run) =>
    flood({ ...run, forMs: 60_000 }, (number) =>
      number < 100_000 ? bytes.forgedAlive(number, 0) : undefined,
    ),
  'forged-names-meta': (run) =>
    flood({ ...run, forMs: 60_000, perSecond: run.perSecond / 2 }, (number) =>
      number < 30_000 ? bytes.forgedAlive(number, 4096) : undefined,
    ),
  'forged-accusations': (run) =>
    flood(run, (number) => bytes.accusation(number % 2 === 0 ? 'suspect' : 'dead', number)),
  'udp-bombs': (run) =>
    flood(
      { ...run, perSecond: run.perSecond / 10 },
      pool(1, () => bytes.datagramBomb()),
    ),
  'udp-user-garbage': (run) =>
    flood(
      run,
      pool(3000, () => encodeMessage({ kind: 'user', payload: bytes.userGarbage(run.random) })),
    ),
  'tcp-bombs': (run) => {
    const bombs = bytes.streamBombs()
    return hold(run, 30, (socket, number) => socket.write(bombs[number % bombs.length] as Uint8Array))
  },
  'tcp-garbage': (run) => hold(run, 30, (socket) => socket.write(bytes.garbage(run.random, 30_000))),
  'tcp-user-garbage': (run) =>
    hold(run, 30, (socket) =>
      socket.write(encodeStream({ kind: 'user', payload: bytes.userGarbage(run.random) })),
    ),
  /** Announced, begun and never ended: some quickly to the last byte but one, some slowly. */
  'large-and-stalled': (run) =>
    hold(run, 100, (socket, number) => {
      socket.write(number % 2 === 0 ? bytes.userHead(20 * MEBIBYTE) : bytes.pushPullHead(0, 20 * MEBIBYTE))
      if (number % 4 < 2) pour(socket, 20 * MEBIBYTE - 1, 65_536)
      else drip(socket, 50, () => new Uint8Array(1000))
    }),
  /** Whole states of 20 MiB of nothing sensible. */
  'large-and-whole': (run) =>
    hold(run, 20, (socket, number) => {
      const total = 20 * MEBIBYTE
      socket.write(number % 2 === 0 ? bytes.userHead(total) : bytes.pushPullHead(0, total))
      pour(socket, total, 65_536)
    }),
  /** Encrypted, as it says, under a key that nobody has: it can be told only once all of it has come. */
  undecryptable: (run) =>
    hold(run, 20, (socket, number) => {
      const total = number % 2 === 0 ? 20 * MEBIBYTE : 100_000
      const head = Buffer.alloc(5)
      head[0] = MessageType.encrypted
      head.writeUInt32BE(total, 1)
      socket.write(head)
      socket.write(Uint8Array.of(number % 3 === 0 ? 0 : 1))
      pour(socket, total, 65_536)
    }),
  /** A list of a million members, 40 at a time. */
  'endless-lists': (run) => {
    const list = bytes.memberList(40)
    return hold(run, 60, (socket, number) => {
      socket.write(bytes.pushPullHead(1_000_000, 0))
      if (number % 2 === 0) drip(socket, 20, () => list)
      else pourList(socket, list)
    })
  },
  'half-open': (run) =>
    hold(run, 500, (socket, number) => {
      if (number % 3 === 0) socket.write(bytes.pushPullHead(10, 1000))
      if (number % 3 === 1) drip(socket, 1000, () => Uint8Array.of(6))
    }),
  /** Asks for our state and reads none of it. */
  deaf: (run) =>
    hold(run, 100, (socket) => {
      socket.pause()
      socket.write(encodeStream({ kind: 'push-pull', join: false, nodes: [], userState: new Uint8Array(0) }))
    }),
}

function pourList(socket: Socket, list: Uint8Array): void {
  const more = (): void => {
    while (socket.writable && socket.write(list)) {
      // On until the socket has enough.
    }
  }
  socket.on('drain', more).once('connect', more)
}

/** @param key in base64, empty for none */
export function encryptionUnder(key: string): Encryption | undefined {
  if (key === '') return undefined
  const keyring = new Keyring([new Uint8Array(Buffer.from(key, 'base64'))])
  return { keyring, aead: aesGcm, verifyIncoming: true, verifyOutgoing: true }
}
