/**
 * What an alive, suspect or dead message may change (memberlist-wire.md section 4).
 *
 * Incarnations order everything about one member: alive needs a higher one than known, an accusation at least the
 * known one. The accused alone can raise it, which is how it clears itself. What was news is passed on.
 *
 * Stricter than memberlist where that is invisible or kinder on the wire: the highest incarnation in any evidence is
 * kept, a leap to the very end of the incarnation range (which nobody could refute for long) is not believed, unfit
 * versions are left out one by one, only live members confirm a suspicion, and a restarted member whose alive is
 * stale is told why it is ignored.
 *
 * Not here: messages about ourselves (self-rules.ts).
 */
import { compareBytes } from '../../base/bytes.ts'
import type { Random } from '../../base/random.ts'
import type { Admission } from './admission.ts'
import type { GossipConfig } from './config.ts'
import type { Dissemination } from './dissemination.ts'
import { type Endpoint, endpointKey, placeKey } from './endpoint.ts'
import { endpointToText } from './endpoint-format.ts'
import { isPlausible } from './incarnation.ts'
import { isLive, type MemberRecord, type Members, memberBytes, memberView } from './members.ts'
import type { AliveMessage, DeadMessage, SuspectMessage } from './messages.ts'
import type { NameConflicts } from './name-conflicts.ts'
import type { Outbox } from './outbox.ts'
import type { SelfRules } from './self-rules.ts'
import { suspicionBounds } from './suspicion.ts'
import type { Suspicions } from './suspicions.ts'
import { versionAdvice } from './version-advice.ts'
import { checkVersions } from './version-check.ts'

/** Longest name and meta taken from the wire. memberlist limits only its own meta (512 bytes). */
export const NAME_LENGTH_MAX = 1024
export const WIRE_META_BYTES_MAX = 4096

/** Accusations sent because of lists, in each second: a list may name thousands, and may be forged. */
export const ANSWERS_MAX = 16
const ANSWERS_WINDOW_MS = 1000
/** Between accusations sent to one member for packets from its address: a packet holds hundreds, and may be forged. */
const ANSWER_GAP_MS = 100

export interface MemberRulesDeps {
  readonly config: GossipConfig
  readonly random: Random
  readonly members: Members
  readonly suspicions: Suspicions
  readonly dissemination: Dissemination
  readonly outbox: Outbox
  readonly self: SelfRules
  readonly admission: Admission
  readonly conflicts: NameConflicts
}

export class MemberRules {
  readonly #deps: MemberRulesDeps
  #answersFromMs = Number.NEGATIVE_INFINITY
  #answers = 0
  readonly #answeredAtMs = new WeakMap<MemberRecord, number>()

  constructor(deps: MemberRulesDeps) {
    this.#deps = deps
  }

  /** @param from the datagram's source, when it came by packet */
  alive(nowMs: number, message: AliveMessage, from?: Endpoint): void {
    const { members, self, admission, dissemination, suspicions } = this.#deps
    const alive = this.#checked(message)
    if (alive === undefined) return
    const known = members.get(alive.node)
    if (known !== undefined && !this.#believes(known, alive.incarnation)) return
    if (known?.isSelf) {
      self.alive(nowMs, alive)
      return
    }
    const moved = known !== undefined && endpointKey(known.endpoint) !== endpointKey(alive.endpoint)
    if (known !== undefined && moved && !this.#mayMove(nowMs, known)) {
      if (admission.allowsEndpoint(alive.endpoint)) this.#conflict(nowMs, known, alive.endpoint)
      return
    }
    if (known !== undefined && !moved && alive.incarnation <= known.incarnation) {
      this.#answerStale(nowMs, alive, known, from)
      return
    }
    if (!admission.admits(alive, known, moved)) return
    const record = known ?? this.#insert(nowMs, alive)
    if (record === undefined) return
    suspicions.cancel(record.name)
    dissemination.membership(nowMs, alive)
    this.#accept(nowMs, record, alive, moved)
  }

  suspect(nowMs: number, suspect: SuspectMessage): void {
    const { members, self, config, dissemination, suspicions, outbox } = this.#deps
    const record = members.get(suspect.node)
    if (record === undefined || !this.#isNews(record, suspect)) return
    if (record.isSelf) {
      self.accused(nowMs, suspect)
      return
    }
    if (suspect.from === '' || suspect.from === suspect.node) {
      outbox.note('debug', 'suspect_malformed', { node: suspect.node, from: suspect.from.slice(0, 64) })
      return
    }
    record.incarnation = Math.max(record.incarnation, suspect.incarnation)
    if (suspicions.isRunning(record.name)) {
      const accuser = members.get(suspect.from)
      if (accuser === undefined || !isLive(accuser)) return
      if (suspicions.confirm(record.name, suspect.from)) dissemination.membership(nowMs, suspect)
      return
    }
    if (record.liveness !== 'alive') return
    dissemination.membership(nowMs, suspect)
    members.setLiveness(record, 'suspect', nowMs)
    suspicions.start(record.name, suspect.from, suspicionBounds(config, members.size), nowMs)
    outbox.note('info', 'member_suspect', { node: record.name, from: suspect.from })
  }

  dead(nowMs: number, dead: DeadMessage): void {
    const { members, self, dissemination, suspicions, outbox } = this.#deps
    const record = members.get(dead.node)
    if (record === undefined || !this.#isNews(record, dead)) return
    if (record.isSelf) {
      self.accused(nowMs, dead)
      return
    }
    record.incarnation = Math.max(record.incarnation, dead.incarnation)
    suspicions.cancel(record.name)
    if (!isLive(record)) return
    dissemination.membership(nowMs, dead)
    members.setLiveness(record, dead.from === dead.node ? 'left' : 'dead', nowMs)
    outbox.note('info', `member_${record.liveness}`, { node: record.name, from: dead.from })
    outbox.emit({ type: 'member-event', event: { type: 'leave', member: memberView(record) } })
  }

  /** A suspicion timer surfaced. */
  suspicionTimer(nowMs: number, dueAtMs: number, name: string): void {
    const { members, config, suspicions } = this.#deps
    if (!suspicions.expired(name, nowMs, dueAtMs, config.probeIntervalMs)) return
    const record = members.get(name)
    if (record?.liveness !== 'suspect') return
    this.dead(nowMs, { kind: 'dead', incarnation: record.incarnation, node: name, from: config.name })
  }

  /** The message with port 0 filled in, or undefined when no member could look like that. */
  #checked(alive: AliveMessage): AliveMessage | undefined {
    const { config, outbox } = this.#deps
    const { addr, port } = alive.endpoint
    const fields = { node: alive.node.slice(0, 64) }
    if (
      alive.node === '' ||
      alive.incarnation === 0 ||
      alive.node.length > NAME_LENGTH_MAX ||
      alive.meta.length > WIRE_META_BYTES_MAX ||
      (addr.length !== 4 && addr.length !== 16) ||
      port > 65535
    ) {
      outbox.note('debug', 'alive_malformed', fields)
      return undefined
    }
    const versions = checkVersions(config.vsn, alive.vsn)
    if (versions !== 'fits') {
      const address = endpointToText(alive.endpoint)
      const advice = versions === 'incompatible' ? { advice: versionAdvice(config.vsn, alive.vsn) } : {}
      outbox.note('warn', `alive_version_${versions}`, {
        ...fields,
        address,
        vsn: alive.vsn.join('.'),
        ...advice,
      })
      return undefined
    }
    return port === 0 ? { ...alive, endpoint: { addr, port: config.advertise.port } } : alive
  }

  /** A record for a name never heard of: dead at incarnation 0 until the alive is applied. */
  #insert(nowMs: number, alive: AliveMessage): MemberRecord | undefined {
    const { members, config, outbox, random } = this.#deps
    const { node: name, meta } = alive
    if (members.size >= config.membersMax || !this.#hasRoom(memberBytes({ name, meta }))) {
      outbox.note('warn', 'members_full', { node: name.slice(0, 64), members: members.size })
      return undefined
    }
    const { endpoint, vsn } = alive
    const liveness = 'dead' as const
    return members.insert({ name, endpoint, meta, vsn, incarnation: 0, liveness }, false, nowMs, random)
  }

  /** A member that is known keeps its former meta rather than going beyond what all may cost. */
  #mayGrow(record: MemberRecord, meta: Uint8Array): boolean {
    const { name } = record
    if (this.#hasRoom(memberBytes({ name, meta }) - memberBytes(record))) return true
    this.#deps.outbox.note('warn', 'members_full', { node: name.slice(0, 64), metaBytes: meta.length })
    return false
  }

  #hasRoom(bytes: number): boolean {
    return this.#deps.members.bytes + bytes <= this.#deps.config.memberBytesMax
  }

  #mayMove(nowMs: number, record: MemberRecord): boolean {
    const { deadNodeReclaimMs } = this.#deps.config
    if (record.liveness === 'left') return true
    return (
      record.liveness === 'dead' && deadNodeReclaimMs > 0 && nowMs - record.changedAtMs > deadNodeReclaimMs
    )
  }

  #accept(nowMs: number, record: MemberRecord, alive: AliveMessage, moved: boolean): void {
    const { members, outbox } = this.#deps
    const wasLive = isLive(record)
    const metaChanged = compareBytes(record.meta, alive.meta) !== 0 && this.#mayGrow(record, alive.meta)
    record.incarnation = alive.incarnation
    record.vsn = alive.vsn
    if (metaChanged) members.setMeta(record, alive.meta)
    if (moved) members.setEndpoint(record, alive.endpoint)
    if (record.liveness !== 'alive') members.setLiveness(record, 'alive', nowMs)
    if (wasLive && !metaChanged) return
    if (!wasLive) {
      record.rttMs = undefined
      outbox.note('info', 'member_alive', { node: record.name, incarnation: record.incarnation })
    }
    const type = wasLive ? 'update' : 'join'
    outbox.emit({ type: 'member-event', event: { type, member: memberView(record) } })
  }

  #conflict(nowMs: number, record: MemberRecord, otherEndpoint: Endpoint): void {
    const { outbox, conflicts } = this.#deps
    outbox.note('debug', 'name_conflict', { node: record.name })
    if (isLive(record)) conflicts.seen(nowMs, record, otherEndpoint)
    outbox.emit({
      type: 'member-event',
      event: { type: 'conflict', member: memberView(record), otherEndpoint },
    })
  }

  /**
   * A member that came back with an old incarnation cannot know that it is accused: tell it, so that it refutes. Where
   * another's list calls it alive, it may have come back there: it is told as well, within a ration.
   */
  #answerStale(nowMs: number, alive: AliveMessage, record: MemberRecord, from: Endpoint | undefined): void {
    const { outbox, config } = this.#deps
    if (record.liveness === 'alive') return
    if (from !== undefined && placeKey(from) !== placeKey(record.endpoint)) return
    if (from === undefined ? !this.#takeAnswer(nowMs) : !this.#takeTurn(nowMs, record)) return
    const accusation = outbox.encode({
      kind: 'suspect',
      incarnation: record.incarnation,
      node: alive.node,
      from: config.name,
    })
    outbox.packet(record.endpoint, [accusation])
  }

  #takeTurn(nowMs: number, record: MemberRecord): boolean {
    const isTooSoon = nowMs - (this.#answeredAtMs.get(record) ?? Number.NEGATIVE_INFINITY) < ANSWER_GAP_MS
    if (!isTooSoon) this.#answeredAtMs.set(record, nowMs)
    return !isTooSoon
  }

  #takeAnswer(nowMs: number): boolean {
    if (nowMs - this.#answersFromMs >= ANSWERS_WINDOW_MS) {
      this.#answersFromMs = nowMs
      this.#answers = 0
    }
    return this.#answers++ < ANSWERS_MAX
  }

  /** Not older than what is known, and believable. */
  #isNews(record: MemberRecord, accusation: SuspectMessage | DeadMessage): boolean {
    const { incarnation } = accusation
    // The refutation will be one higher, and must be believed as well.
    return incarnation >= record.incarnation && this.#believes(record, incarnation + 1)
  }

  #believes(record: MemberRecord, incarnation: number): boolean {
    if (isPlausible(record.incarnation, incarnation)) return true
    this.#deps.outbox.note('warn', 'incarnation_implausible', { node: record.name, incarnation })
    return false
  }
}
