/**
 * Random schedules of 2 to 5 replicas against the oracle of history.ts: 1,500 by default, 12,000 with HEARSAY_TEST=ci,
 * half of them plain and half hard (schedule.ts). In some, production code and the plain model run side by side and are
 * compared after each step. With ci each deliberate mistake is tried on 2,000 schedules and told how often it was caught.
 */
import { describe, expect, it } from 'vitest'
import type { ActorId } from '../../src/base/names.ts'
import { seededRandom } from '../../src/base/random.ts'
import type { ReplicaStateOptions } from '../../src/store/core/replica-state.ts'
import { inCi, inLong } from '../support/requirement.ts'
import { MISTAKES, type Mistake, PlainReplica } from './plain-replica.ts'
import { RealReplica, type Replica } from './replica.ts'
import { randomSteps, World } from './schedule.ts'
import { TwinReplica } from './twin-replica.ts'

const SCHEDULES = inCi ? 8000 : 1500
const TWIN_SCHEDULES = inCi ? 2000 : 300
const MISTAKEN_SCHEDULES = 2000

type Create = (actor: ActorId, options: ReplicaStateOptions) => Replica

/** @returns what the oracle found; undefined when nothing */
function trial(seed: number, create: Create, limits: ReplicaStateOptions = {}): string | undefined {
  const random = seededRandom(seed)
  const hard = seed % 2 === 1
  const count = 2 + random.below(4)
  const graceMs = [0, 60, 1e9][random.below(3)] ?? 0
  const ahead = hard && random.below(2) === 0
  const options: ReplicaStateOptions = { maxClockSkewMs: 100, tombstoneGraceMs: graceMs, ...limits }
  const length = 10 + random.below(hard ? 90 : 40)
  const absent = random.below(3) === 0
  const world = new World(count, {
    create: (actor) => create(actor, options),
    // One clock may be far ahead of the others, beyond what is allowed.
    maxClockSkewMs: 100,
    skewMs: (index) => index * 7 + (ahead && index === 0 ? 300 : 0),
    forgetful: graceMs < 1e9 || limits.tombstonesMax !== undefined,
    hard,
    ...(absent ? { absence: { from: Math.floor(length / 4), to: Math.floor((3 * length) / 4) } } : {}),
  })
  const [fault] = [...world.run(randomSteps(random, length, hard)), ...world.settle()]
  return fault
}

function firstFault(seeds: number, create: Create, limits?: ReplicaStateOptions): string | undefined {
  for (let seed = 0; seed < seeds; seed++) {
    try {
      const fault = trial(seed, create, limits)
      if (fault !== undefined) return `seed ${seed}: ${fault}`
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
  return undefined
}

describe('any schedule of replicas', () => {
  it(`shows what the history says, and no write comes back (${SCHEDULES} schedules)`, {
    timeout: 600_000,
  }, () => {
    expect(firstFault(SCHEDULES, (actor, options) => new RealReplica(actor, options))).toBeUndefined()
  })

  it(`makes production code hold what the plain rules say after each step (${TWIN_SCHEDULES})`, {
    timeout: 600_000,
  }, () => {
    expect(firstFault(TWIN_SCHEDULES, (actor, options) => new TwinReplica(actor, options))).toBeUndefined()
  })

  it('does so when tombstones go early for want of room', { timeout: 60_000 }, () => {
    const create: Create = (actor, options) => new RealReplica(actor, options)
    expect(firstFault(TWIN_SCHEDULES, create, { tombstonesMax: 1 })).toBeUndefined()
  })
})

describe('a mistake in the rules is caught', () => {
  const mistakes = Object.entries(MISTAKES) as [Mistake, string][]
  it.each(mistakes)('%s: %s', { timeout: 120_000 }, (mistake) => {
    let caught = 0
    for (let seed = 0; seed < MISTAKEN_SCHEDULES && (inLong || caught === 0); seed++) {
      if (trial(seed, (actor, options) => new PlainReplica(actor, options, mistake)) !== undefined) caught++
    }
    if (inLong) process.stderr.write(`${mistake}: caught in ${caught} of ${MISTAKEN_SCHEDULES} schedules\n`)
    expect(caught).toBeGreaterThan(0)
  })
})
