/**
 * One subject for a file of wire tests: its peers and the raw members beside them, all gone after each test.
 *
 * Peers probe nobody unless told to (a probe a minute), so that a slow machine makes nobody suspect.
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { requirement } from '../../support/requirement.ts'
import { buildGoProgram } from '../go-program.ts'
import { goSubject } from '../go-subject.ts'
import { hearsaySubject } from '../hearsay-subject.ts'
import { GO } from '../rig.ts'
import type { Peer, PeerOptions, Subject } from '../subject.ts'
import { RawMember, type RawMemberOptions } from './raw-member.ts'

export const QUIET: Pick<PeerOptions, 'probeIntervalMs' | 'probeTimeoutMs'> = {
  probeIntervalMs: 60_000,
  probeTimeoutMs: 500,
}

/** The first build compiles Go's standard library as well. */
const GO_BUILD_TIMEOUT_MS = 180_000

export class WireRig {
  readonly #subject: Subject
  readonly #peers: Peer[] = []
  readonly #members: RawMember[] = []

  constructor(subject: Subject) {
    this.#subject = subject
  }

  get program(): string {
    return this.#subject.program
  }

  /** A running peer of the subject. */
  async peer(options: Partial<PeerOptions> = {}): Promise<Peer> {
    const peer = await this.#subject.start({ name: 'subject', ...QUIET, ...options })
    this.#peers.push(peer)
    return peer
  }

  async raw(options: RawMemberOptions = {}): Promise<RawMember> {
    const member = await RawMember.open(options)
    this.#members.push(member)
    return member
  }

  /** A raw member that the peer knows. */
  async joined(peer: Peer, options: RawMemberOptions = {}): Promise<RawMember> {
    const member = await this.raw(options)
    await member.join(peer)
    return member
  }

  async clear(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peer) => peer.shutdown()))
    const members = this.#members.splice(0)
    await Promise.all(members.map((member) => member.close()))
    const [fault] = members.flatMap(({ faults }) => faults)
    if (fault !== undefined) throw fault
  }
}

function play(subject: Subject, suite: (rig: WireRig) => void): void {
  const rig = new WireRig(subject)
  afterEach(() => rig.clear())
  afterAll(() => subject.close())
  suite(rig)
}

/** A suite on ours alone: what memberlist 0.2.2 does not have, or answers by crashing. */
export function onHearsay(suite: (rig: WireRig) => void): void {
  describe('hearsay', () => play(hearsaySubject(), suite))
}

/** A suite on ours and on the original. */
export function onBoth(suite: (rig: WireRig) => void): void {
  onHearsay(suite)
  requirement(GO)('memberlist 0.2.2', () => {
    beforeAll(() => buildGoProgram(), GO_BUILD_TIMEOUT_MS)
    play(goSubject(), suite)
  })
}
