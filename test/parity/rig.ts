/**
 * Runs the scripts of the parity suite: on hearsay alone, on memberlist alone, and on both in one cluster.
 *
 * A script asks its `Stage` for peers. In a mixed cast they come from the two programs in turn, and the cast runs twice, so
 * that each program has each part.
 *
 *     parity('joining', (stage) => {
 *       it('item 46: a join yields two members', async () => {
 *         const ana = await stage.peer({ name: 'ana' })
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { commandExists, type Requirement, requirement } from '../support/requirement.ts'
import { untilAsync } from '../support/until-async.ts'
import { buildGoProgram, GO_INSTALL, goLibrariesPresent } from './go-program.ts'
import { goSubject } from './go-subject.ts'
import { hearsaySubject } from './hearsay-subject.ts'
import type { Features, Peer, PeerEvent, PeerOptions, Subject } from './subject.ts'

/** Compiling Go's standard library for the first time takes its while. */
const BUILD_TIMEOUT_MS = 180_000

export const GO: Requirement = {
  name: 'Go with memberlist',
  present: commandExists('go') && goLibrariesPresent(),
  install: GO_INSTALL,
}

export interface Stage {
  /** Program names in the order in which they take parts. */
  readonly programs: readonly string[]
  /** What all programs of the cast can. */
  readonly features: Features
  /** The next peer, of the program whose turn it is; it is shut down after the test. */
  peer(options: PeerOptions): Promise<Peer>
  /** Before the end of the test, so that the parts can be taken anew. */
  endPeers(): Promise<void>
}

class Cast implements Stage {
  readonly #subjects: readonly Subject[]
  readonly #peers: Peer[] = []

  constructor(subjects: readonly Subject[]) {
    this.#subjects = subjects
  }

  get programs(): readonly string[] {
    return this.#subjects.map(({ program }) => program)
  }

  get features(): Features {
    return { labels: this.#subjects.every(({ features }) => features.labels) }
  }

  async peer(options: PeerOptions): Promise<Peer> {
    const subject = this.#subjects[this.#peers.length % this.#subjects.length]
    if (subject === undefined) throw new Error('a cast has at least one program')
    const peer = await subject.start(options)
    this.#peers.push(peer)
    return peer
  }

  async endPeers(): Promise<void> {
    await Promise.all(this.#peers.splice(0).map((peer) => peer.shutdown()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#subjects.map((subject) => subject.close()))
  }
}

function play(cast: Cast, suite: (stage: Stage) => void): void {
  afterEach(() => cast.endPeers())
  afterAll(() => cast.close())
  suite(cast)
}

export type CastName = 'hearsay' | 'memberlist' | 'hearsay first' | 'memberlist first'

const CASTS: Readonly<Record<CastName, () => readonly Subject[]>> = {
  hearsay: () => [hearsaySubject()],
  memberlist: () => [goSubject()],
  'hearsay first': () => [hearsaySubject(), goSubject()],
  'memberlist first': () => [goSubject(), hearsaySubject()],
}

/**
 * Declares `suite` once for each cast.
 * @param casts default: all four
 */
export function parity(
  title: string,
  suite: (stage: Stage) => void,
  casts: readonly CastName[] = ['hearsay', 'memberlist', 'hearsay first', 'memberlist first'],
): void {
  for (const name of casts) {
    const playIt = (): void => play(new Cast(CASTS[name]()), suite)
    if (name === 'hearsay') describe(`${title}, ${name}`, playIt)
    else {
      requirement(GO)(`${title}, ${name}`, () => {
        beforeAll(() => buildGoProgram(), BUILD_TIMEOUT_MS)
        playIt()
      })
    }
  }
}

/** Where others dial a peer that is bound to 127.0.0.1. */
export const at = (peer: Peer): string => `127.0.0.1:${peer.port}`

export async function names(peer: Peer): Promise<readonly string[]> {
  return (await peer.members()).map(({ name }) => name).sort((a, b) => (a < b ? -1 : 1))
}

/** Waits until the peer lists exactly these members, in any order. */
export async function untilSees(peer: Peer, wanted: readonly string[]): Promise<void> {
  const sorted = [...wanted].sort((a, b) => (a < b ? -1 : 1)).join()
  await untilAsync(async () => (await names(peer)).join() === sorted, `${peer.name} lists exactly ${sorted}`)
}

/** Waits until the peer's delegates were told something that fits, and gives it. */
export async function untilTold<Type extends PeerEvent['type']>(
  peer: Peer,
  type: Type,
  fits: (event: Extract<PeerEvent, { type: Type }>) => boolean = () => true,
): Promise<Extract<PeerEvent, { type: Type }>> {
  let found: Extract<PeerEvent, { type: Type }> | undefined
  const isOfType = (event: PeerEvent): event is Extract<PeerEvent, { type: Type }> => event.type === type
  await untilAsync(async () => {
    found = (await peer.events()).filter(isOfType).find(fits)
    return found !== undefined
  }, `${peer.name} is told of a fitting ${type}`)
  if (found === undefined) throw new Error('unreachable: untilAsync has thrown')
  return found
}
