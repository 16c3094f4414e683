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

/** Microseconds of one run. */
function medianUs(run: () => void, times: number): string {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    for (let i = 0; i < times; i++) run()
    rounds.push(((performance.now() - startedAt) / times) * 1000)
  }
  return (rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0).toFixed(1)
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

function packets(): void {
  const parts = [encodeMessage({ kind: 'user', payload: new Uint8Array(PACKET_PAYLOAD_BYTES).fill(7) })]
  const open = { label: '', crc32 }
  for (const [name, encryption] of KINDS) {
    const seal = { ...open, crc: true, compress: false, encryption }
    const packet = sealPacket(parts, seal)
    const sealUs = medianUs(() => sealPacket(parts, seal), 5000)
    const openUs = medianUs(() => openPacket(packet, { ...open, encryption }), 5000)
    console.log(`packet of ${packet.length} bytes, ${name}: sealed in ${sealUs} us, opened in ${openUs} us`)
    if (encryption === undefined) continue
    for (const [whose, strangers] of STRANGERS) {
      const refusedUs = medianUs(() => openPacket(packet, { ...open, encryption: strangers }), 1000)
      console.log(`  refused with ${whose} in ${refusedUs} us`)
    }
  }
}

function streams(): void {
  for (const mebibytes of [1, 10, 19]) {
    const payload = new Uint8Array(mebibytes * MEBIBYTE).fill(7)
    for (const [name, encryption] of KINDS) {
      const bytes = encodeStream({ kind: 'user', payload }, { encryption })
      const sealUs = medianUs(() => encodeStream({ kind: 'user', payload }, { encryption }), 2)
      const openUs = medianUs(() => read(bytes, encryption), 2)
      const longestMs = read(bytes, encryption).toFixed(1)
      console.log(
        `stream of ${mebibytes} MiB, ${name}: sealed in ${sealUs} us, opened in ${openUs} us (longest chunk ${longestMs} ms)`,
      )
      if (encryption === undefined) continue
      for (const [whose, strangers] of STRANGERS)
        console.log(`  refused with ${whose}: longest chunk ${read(bytes, strangers).toFixed(1)} ms`)
    }
  }
}

packets()
streams()
