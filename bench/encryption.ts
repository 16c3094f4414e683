/**
 * What encryption costs this thread: a full packet and a large stream, sealed and opened, in plaintext and with AES; and
 * what it costs to find out that no key of ours fits, with one key and with a full ring.
 *
 * Medians of seven rounds. A stream arrives in chunks of 64 KiB; the longest that the event loop stands still for one of
 * them is told beside, since GCM can only be checked once the last byte is there.
 *
 * Run: `npm run bench -- encryption`.
 */
import { crc32 } from 'node:zlib'
import { aesGcm } from '../src/gossip/io/aes-gcm.ts'
import type { Encryption } from '../src/gossip/wire/encryption.ts'
import { KEYS_MAX, Keyring } from '../src/gossip/wire/keyring.ts'
import { encodeMessage } from '../src/gossip/wire/message-codec.ts'
import { openPacket, sealPacket } from '../src/gossip/wire/packet.ts'
import { encodeStream, StreamReader } from '../src/gossip/wire/stream.ts'

const ROUNDS = 7
const PACKET_PAYLOAD_BYTES = 1360
const CHUNK_BYTES = 64 * 1024
const MEBIBYTE = 1024 * 1024

function under(...keys: readonly Uint8Array[]): Encryption {
  return { keyring: new Keyring(keys), aead: aesGcm, verifyIncoming: true, verifyOutgoing: true }
}

const key = (seed: number, bytes: number): Uint8Array => new Uint8Array(bytes).fill(seed)
const KINDS: readonly (readonly [string, Encryption | undefined])[] = [
  ['plaintext', undefined],
  ['AES-128', under(key(1, 16))],
  ['AES-256', under(key(1, 32))],
]
const OTHERS = Array.from({ length: KEYS_MAX }, (_, i) => key(100 + i, 32))
const STRANGERS: readonly (readonly [string, Encryption])[] = [
  ['1 other key', under(...OTHERS.slice(0, 1))],
  [`${KEYS_MAX} other keys`, under(...OTHERS)],
]

/**
 * Microseconds of one run of each, medians. They take turns in each round, and the first turn moves on, so that what runs
 * first or on a busier machine is dearer for none of them.
 */
function mediansUs(runs: readonly (() => unknown)[], times: number): readonly string[] {
  for (const run of runs) run()
  const tookUs = runs.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < runs.length; turn++) {
      const index = (round + turn) % runs.length
      const startedAt = performance.now()
      for (let i = 0; i < times; i++) runs[index]?.()
      tookUs[index]?.push(((performance.now() - startedAt) / times) * 1000)
    }
  }
  return tookUs.map((rounds) => (rounds.sort((one, other) => one - other)[ROUNDS >> 1] ?? 0).toFixed(1))
}

/** Reads as chunks arrive. @returns milliseconds that the longest took */
function read(bytes: Uint8Array, encryption: Encryption | undefined): number {
  const reader = new StreamReader({ label: '', encryption })
  let longestMs = 0
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const startedAt = performance.now()
    reader.push(bytes.subarray(at, at + CHUNK_BYTES))
    longestMs = Math.max(longestMs, performance.now() - startedAt)
  }
  return longestMs
}

function row(...columns: readonly string[]): void {
  console.log(columns.map((column, i) => (i < 2 ? column.padEnd(22) : column.padStart(16))).join(' '))
}

function packets(): void {
  const parts = [encodeMessage({ kind: 'user', payload: new Uint8Array(PACKET_PAYLOAD_BYTES).fill(7) })]
  const open = { label: '', crc32 }
  const sealers = KINDS.map(
    ([, encryption]) =>
      () =>
        sealPacket(parts, { ...open, crc: true, compress: false, encryption }),
  )
  const sealed = sealers.map((seal) => seal())
  const openers = KINDS.map(
    ([, encryption], i) =>
      () =>
        openPacket(sealed[i] ?? new Uint8Array(), { ...open, encryption }),
  )
  const sealUs = mediansUs(sealers, 3000)
  const openUs = mediansUs(openers, 3000)
  row('packet', 'protection', 'sealed, us', 'opened, us')
  for (const [i, [name, encryption]] of KINDS.entries()) {
    const packet = sealed[i] ?? new Uint8Array()
    row(`${packet.length} bytes`, name, sealUs[i] ?? '', openUs[i] ?? '')
    if (encryption === undefined) continue
    const refusers = STRANGERS.map(
      ([, strangers]) =>
        () =>
          openPacket(packet, { ...open, encryption: strangers }),
    )
    const refusedUs = mediansUs(refusers, 1000)
    for (const [k, [whose]] of STRANGERS.entries()) row('', `  refused: ${whose}`, '', refusedUs[k] ?? '')
  }
}

function streams(): void {
  row('stream', 'protection', 'sealed, ms', 'opened, ms', 'longest chunk, ms')
  for (const mebibytes of [1, 10, 19]) {
    const payload = new Uint8Array(mebibytes * MEBIBYTE).fill(7)
    const sealers = KINDS.map(
      ([, encryption]) =>
        () =>
          encodeStream({ kind: 'user', payload }, { encryption }),
    )
    const sealed = sealers.map((seal) => seal())
    const openers = KINDS.map(
      ([, encryption], i) =>
        () =>
          read(sealed[i] ?? new Uint8Array(), encryption),
    )
    const inMs = (us: string | undefined): string => (Number(us) / 1000).toFixed(2)
    const [sealUs, openUs] = [mediansUs(sealers, 1), mediansUs(openers, 1)]
    for (const [i, [name, encryption]] of KINDS.entries()) {
      const bytes = sealed[i] ?? new Uint8Array()
      row(`${mebibytes} MiB`, name, inMs(sealUs[i]), inMs(openUs[i]), read(bytes, encryption).toFixed(2))
      if (encryption === undefined) continue
      for (const [whose, strangers] of STRANGERS)
        row('', `  refused: ${whose}`, '', '', read(bytes, strangers).toFixed(2))
    }
  }
}

console.log(
  `Medians of ${ROUNDS} rounds on one thread, Node ${process.version}; the kinds take turns in each round.`,
)
packets()
streams()
