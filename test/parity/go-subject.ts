/** The subject that is the original: HashiCorp's memberlist 0.2.2 as Debian has it, in the Go program of test/peer. */
import { freePort } from '../support/free-port.ts'
import { type FullPeerOptions, withDefaults } from './fast-peers.ts'
import { GoProgram } from './go-program.ts'
import type { Peer, PeerEvent, PeerMember, PeerOptions, Subject } from './subject.ts'

const UPDATE_TIMEOUT_MS = 5000

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
/** Go writes an empty or missing byte string as null, or leaves it out. */
function bytes(text: unknown): Uint8Array {
  return typeof text === 'string' ? new Uint8Array(Buffer.from(text, 'base64')) : new Uint8Array(0)
}

interface RawMember {
  readonly name: string
  readonly addr: string
  readonly port: number
  readonly meta: string | null
  readonly liveness: PeerMember['liveness']
}

type RawEvent = Readonly<Record<string, unknown>> & {
  readonly type: PeerEvent['type']
  readonly name: string
}

/** Go's side of the options: byte strings as base64, and `encrypted` since an empty ring is not the same as none. */
export function goOptions(options: FullPeerOptions): Readonly<Record<string, unknown>> {
  const { keys, meta, ackPayload, localState, label, ...rest } = options
  if (label !== undefined && label !== '') throw new Error('memberlist 0.2.2 has no labels')
  return {
    ...rest,
    encrypted: keys !== undefined,
    keys: (keys ?? []).map(base64),
    meta: base64(meta),
    ackPayload: base64(ackPayload ?? new Uint8Array(0)),
    localState: base64(localState ?? new Uint8Array(0)),
    advertisePort: options.advertisePort ?? options.bindPort,
  }
}

function eventOf(raw: RawEvent): PeerEvent {
  const { type, name } = raw
  const atMs = Number(raw.atMs)
  switch (type) {
    case 'join':
    case 'leave':
    case 'update':
      return { type, name }
    case 'conflict':
      return { type, name, otherAddr: String(raw.otherAddr), otherPort: Number(raw.otherPort) }
    case 'merge':
      return { type, names: (raw.names ?? []) as string[] }
    case 'ack':
      return { type, name, payload: bytes(raw.payload), rttMs: Number(raw.rttMs) }
    case 'user':
      return { type, payload: bytes(raw.payload), atMs }
    case 'state':
      return { type, state: bytes(raw.state), join: raw.join === true }
  }
}

class GoPeer implements Peer {
  readonly name: string
  readonly port: number
  readonly #program: GoProgram
  readonly #handle: string

  constructor(program: GoProgram, handle: string, name: string, port: number) {
    this.#program = program
    this.#handle = handle
    this.name = name
    this.port = port
  }

  #ask(op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#program.ask(op, { peer: this.#handle, ...fields })
  }

  async members(): Promise<readonly PeerMember[]> {
    const members = (await this.#ask('members')) as RawMember[]
    return members.map((member) => ({ ...member, meta: bytes(member.meta) }))
  }

  async join(addresses: readonly string[]): Promise<{ contacted: number; error?: string }> {
    const { contacted, error } = (await this.#ask('join', { addresses })) as {
      contacted: number
      error: string
    }
    return error === '' ? { contacted } : { contacted, error }
  }

  async leave(timeoutMs: number): Promise<void> {
    await this.#ask('leave', { timeoutMs })
  }

  async shutdown(): Promise<void> {
    await this.#ask('shutdown')
  }

  async updateMeta(meta: Uint8Array): Promise<void> {
    await this.#ask('updateMeta', { payload: base64(meta), timeoutMs: UPDATE_TIMEOUT_MS })
  }

  async broadcast(payload: Uint8Array): Promise<void> {
    await this.#ask('broadcast', { payload: base64(payload) })
  }

  async sendReliable(member: string, payload: Uint8Array): Promise<void> {
    await this.#ask('sendReliable', { member, payload: base64(payload) })
  }

  async addKey(key: Uint8Array): Promise<void> {
    await this.#ask('addKey', { payload: base64(key) })
  }

  async useKey(key: Uint8Array): Promise<void> {
    await this.#ask('useKey', { payload: base64(key) })
  }

  async removeKey(key: Uint8Array): Promise<void> {
    await this.#ask('removeKey', { payload: base64(key) })
  }

  async healthScore(): Promise<number> {
    return (await this.#ask('healthScore')) as number
  }

  async events(): Promise<readonly PeerEvent[]> {
    return ((await this.#ask('events')) as RawEvent[]).map(eventOf)
  }
}

/** @param handle by which the program knows it; unlike the name it must be its only one */
export async function startGoPeer(program: GoProgram, handle: string, options: PeerOptions): Promise<Peer> {
  // memberlist advertises the port it drew, whatever it was told to advertise.
  const bindPort = options.advertisePort === undefined ? (options.bindPort ?? 0) : options.bindPort
  const full = withDefaults({ ...options, bindPort: bindPort ?? (await freePort()) })
  const { port } = (await program.ask('create', { peer: handle, options: goOptions(full) })) as {
    port: number
  }
  return new GoPeer(program, handle, options.name, port)
}

class GoSubject implements Subject {
  readonly program = 'memberlist 0.2.2'
  readonly features = { labels: false }
  #program: Promise<GoProgram> | undefined
  #started = 0

  async start(options: PeerOptions): Promise<Peer> {
    this.#program ??= GoProgram.start()
    return startGoPeer(await this.#program, `${++this.#started}`, options)
  }

  async close(): Promise<void> {
    await (await this.#program)?.end()
    this.#program = undefined
  }
}

/** Its process starts with the first peer and ends with `close`. */
export function goSubject(): Subject {
  return new GoSubject()
}
