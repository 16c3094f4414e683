/** Random schedules of 2 to 5 replicas against the oracle of history.ts. 3,000 by default, 20,000 with HEARSAY_TEST=ci. */
import { describe, expect, it } from 'vitest'
import type { ActorId } from '../../src/base/names.ts'
import { seededRandom } from '../../src/base/random.ts'
import { type Mistake, PlainReplica } from './plain-replica.ts'
import { RealReplica, type Replica } from './replica.ts'
import { randomSteps, World } from './schedule.ts'

const SCHEDULES = process.env.HEARSAY_TEST === 'ci' ? 20_000 : 3000

/** @returns what the oracle found, led by the seed; undefined when nothing */
function trial(seed: number, create: (actor: ActorId) => Replica): string | undefined {
  const random = seededRandom(seed)
  const world = new World(2 + random.below(4), create)
  const steps = randomSteps(random, 10 + random.below(40), random.below(2) === 0)
  const [fault] = [...world.run(steps), ...world.settle()]
  return fault === undefined ? undefined : `seed ${seed}: ${fault}`
}

function firstFault(seeds: number, create: (actor: ActorId) => Replica): string | undefined {
  for (let seed = 0; seed < seeds; seed++) {
    const fault = trial(seed, create)
    if (fault !== undefined) return fault
  }
  return undefined
}

describe('any schedule of replicas', () => {
  it(`shows what the history says, after every join and at the end (${SCHEDULES} schedules)`, {
    timeout: 180_000,
  }, () => {
    expect(firstFault(SCHEDULES, (actor) => new RealReplica(actor))).toBeUndefined()
  })

  it('does so in the plainest writing of the rules, too', () => {
    expect(firstFault(500, (actor) => new PlainReplica(actor))).toBeUndefined()
  })
})

describe('a mistake in the joins is caught within 500 schedules', () => {
  it.each<Mistake>(['stamps-first', 'covered-ignored', 'over-claimed'])('%s', (mistake) => {
    expect(firstFault(500, (actor) => new PlainReplica(actor, mistake))).toMatch(/^seed \d+: /)
  })
})
