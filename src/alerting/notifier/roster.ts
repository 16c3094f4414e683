/**
 * The members as the notifier sees them: who is there, which process of theirs, and for which receivers they notify.
 *
 * Each tells all others its receivers when there is a new one, tells a member that joins or has restarted, and repeats it
 * every 15 s, so that a lost announcement costs a second of waiting for a while and no more. Who is dead or has left is
 * forgotten with all it announced.
 */
import type { Alarmed, Alarms } from './alarms.ts'
import {
  type AnnounceFrame,
  type ClaimFrame,
  encodeClaimFrame,
  isReceiverNameable,
  RECEIVERS_MAX,
} from './claim-frames.ts'
import type { Notes } from './notes.ts'
import type { NotifierHost, NotifierPeer } from './notifier-host.ts'

const ANNOUNCE_EVERY_MS = 15_000
/** Gossip tells who comes and goes, but not who is suspected or no longer is. */
const LOOK_EVERY_MS = 100
/** Who forges frames of a member that seems to restart all the time makes us no louder than this. */
const ANNOUNCE_AGAIN_MS = 1000

interface Contact {
  boot: number | undefined
  receivers: ReadonlySet<string>
  announcedAtMs: number
}

const NONE: ReadonlySet<string> = new Set()

export class Roster implements Alarmed {
  readonly name: string
  readonly boot: number
  alarmMs: number | undefined
  readonly #host: NotifierHost
  readonly #alarms: Alarms
  readonly #notes: Notes
  readonly #own = new Set<string>()
  #peers: ReadonlyMap<string, NotifierPeer> | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #contacts = new Map<string, Contact>()

  constructor(host: NotifierHost, name: string, boot: number, alarms: Alarms, notes: Notes) {
    this.#host = host
    this.name = name
    this.boot = boot
    this.#alarms = alarms
    this.#notes = notes
  }

  /** Reads the members anew, if that was not done just now; for what hangs on suspicions. */
  look(nowMs: number): void {
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return
    this.#lookedAtMs = nowMs
    this.#peers = this.#read()
  }

  /** Members other than ourselves that can be asked. */
  askable(): readonly NotifierPeer[] {
    return [...this.#known().values()].filter((peer) => isAskable(peer))
  }

  /** All that are neither dead nor gone, ourselves not included. */
  present(): readonly NotifierPeer[] {
    return [...this.#known().values()].filter((peer) => !peer.isSelf && isPresent(peer))
  }

  /** Whether a member can be asked that could not at the last `refresh`. */
  isNewcomer(name: string): boolean {
    if (this.#contacts.has(name)) return false
    return this.#host.peers().some((peer) => peer.name === name && isAskable(peer))
  }

  /** Dead or left, as opposed to never heard of. */
  isGone(name: string): boolean {
    const peer = this.#known().get(name)
    return peer !== undefined && !isPresent(peer)
  }

  isSuspect(name: string): boolean {
    return this.#known().get(name)?.liveness === 'suspect'
  }

  /** Who notifies for a receiver, ourselves included. */
  notifiersOf(receiver: string): string[] {
    const others = this.askable().filter(({ name }) => this.#contacts.get(name)?.receivers.has(receiver))
    return [this.name, ...others.map(({ name }) => name)]
  }

  /** `receiverKey` of each that we notify for, in the order announced. */
  get own(): readonly string[] {
    return [...this.#own]
  }

  /** @param receiver `receiverKey` */
  advertise(receiver: string, nowMs: number): void {
    if (this.#own.has(receiver)) return
    if (this.#own.size >= RECEIVERS_MAX || !isReceiverNameable(receiver)) {
      this.#notes.note('overflows', { receiver })
      return
    }
    this.#own.add(receiver)
    this.#announceToAll(nowMs)
  }

  /** Others need no longer wait for us. */
  retire(nowMs: number): void {
    if (this.#own.size === 0) return
    this.#own.clear()
    this.#announceToAll(nowMs)
    this.#alarms.set(this, undefined)
  }

  ring(nowMs: number): void {
    this.#announceToAll(nowMs)
  }

  /** Reads the members again. @returns those that can no longer be asked, and those that can since */
  refresh(nowMs: number): { readonly gone: readonly string[]; readonly come: readonly string[] } {
    this.#lookedAtMs = nowMs
    this.#peers = this.#read()
    const askable = new Set(this.askable().map(({ name }) => name))
    const gone = [...this.#contacts.keys()].filter((name) => !askable.has(name))
    const come = [...askable].filter((name) => !this.#contacts.has(name))
    for (const name of gone) this.#contacts.delete(name)
    for (const name of come) {
      const contact = { boot: undefined, receivers: NONE, announcedAtMs: Number.NEGATIVE_INFINITY }
      this.#contacts.set(name, contact)
      this.#announceTo(name, contact, nowMs)
    }
    return { gone, come }
  }

  /** @returns what the frame tells of its sender's process; undefined for a stranger, whose frames count for nothing */
  meet({ sender, boot }: ClaimFrame, nowMs: number): 'known' | 'restarted' | undefined {
    const contact = this.#contacts.get(sender)
    if (contact === undefined) return undefined
    if (contact.boot === boot) return 'known'
    const isFirst = contact.boot === undefined
    contact.boot = boot
    contact.receivers = NONE
    this.#announceTo(sender, contact, nowMs)
    if (isFirst) return 'known'
    this.#notes.count('restarts_seen')
    return 'restarted'
  }

  heardAnnouncement({ sender, receivers }: AnnounceFrame): void {
    const contact = this.#contacts.get(sender)
    if (contact !== undefined) contact.receivers = new Set(receivers)
  }

  #announceToAll(nowMs: number): void {
    for (const [name, contact] of this.#contacts) {
      contact.announcedAtMs = Number.NEGATIVE_INFINITY
      this.#announceTo(name, contact, nowMs, true)
    }
    this.#alarms.set(this, nowMs + ANNOUNCE_EVERY_MS)
  }

  #announceTo(name: string, contact: Contact, nowMs: number, evenIfNone = false): void {
    if (this.#own.size === 0 && !evenIfNone) return
    if (nowMs - contact.announcedAtMs < ANNOUNCE_AGAIN_MS) return
    contact.announcedAtMs = nowMs
    this.#notes.count('announcements')
    const receivers = [...this.#own]
    this.#host.send(
      name,
      encodeClaimFrame({ kind: 'announce', sender: this.name, boot: this.boot, receivers }),
    )
  }

  #known(): ReadonlyMap<string, NotifierPeer> {
    this.#peers ??= this.#read()
    return this.#peers
  }

  #read(): ReadonlyMap<string, NotifierPeer> {
    return new Map(this.#host.peers().map((peer) => [peer.name, peer]))
  }
}

function isPresent({ liveness }: NotifierPeer): boolean {
  return liveness === 'alive' || liveness === 'suspect'
}

function isAskable(peer: NotifierPeer): boolean {
  return peer.isNative && !peer.isSelf && isPresent(peer)
}
