import { afterEach, describe, expect, it } from 'vitest'
import {
  PasswordChecks,
  WAITING_IN_LANE_MAX,
  WAITING_MAX,
} from '../../../../src/app/web-config/password-checks.ts'
import { HASH_OF_OTHER, HASH_OF_SECRET } from '../../../support/web-config.ts'

/** Threads that do not check: one never answers, one dies at once, one at the word `die`. */
const SILENT = 'require("node:worker_threads").parentPort.on("message", () => undefined)'
const DYING = 'process.exit(1)'
const MORTAL =
  'const { parentPort: p } = require("node:worker_threads"); ' +
  'p.on("message", ([word]) => { if (word === "die") throw new Error("x"); p.postMessage(word === "right") })'
/** Answers in the order of its questions, when it is told to. */
const ORDERLY =
  'const { parentPort: p } = require("node:worker_threads"); p.on("message", ([w]) => p.postMessage(w === "right"))'

const open: PasswordChecks[] = []

function checksOf(program?: string): PasswordChecks {
  const checks = new PasswordChecks(program)
  open.push(checks)
  return checks
}

afterEach(async () => {
  for (const checks of open.splice(0)) await checks.close()
})

describe('password checks', () => {
  it('tell the right password from others', async () => {
    const checks = checksOf()
    const asked = [
      checks.check('secret', HASH_OF_SECRET, 'a'),
      checks.check('secret', HASH_OF_OTHER, 'a'),
      checks.check('', HASH_OF_SECRET, 'a'),
      checks.check('other', HASH_OF_OTHER, 'a'),
      checks.check('secret', 'no hash at all', 'a'),
    ]
    expect(await Promise.all(asked)).toEqual([true, false, false, true, false])
  })

  it('look at the first 72 bytes of a password only, as bcrypt does', async () => {
    const { hashSync } = await import('bcryptjs')
    const long = 'x'.repeat(72)
    const hash = hashSync(long, 4)
    const checks = checksOf()
    expect(await checks.check(`${long}and more`, hash, 'a')).toBe(true)
    expect(await checks.check('x'.repeat(71), hash, 'a')).toBe(false)
  })

  it('a lane holds few, and what exceeds it gets no answer', async () => {
    const checks = checksOf(SILENT)
    // One of them runs.
    const taken = Array.from({ length: 1 + WAITING_IN_LANE_MAX }, () => checks.check('x', 'y', 'a'))
    expect(checks.waiting).toBe(WAITING_IN_LANE_MAX)
    expect(await checks.check('x', 'y', 'a')).toBeUndefined()
    await checks.close()
    expect(await Promise.all(taken)).toEqual(taken.map(() => undefined))
  })

  it('all lanes together hold so many, and then the longest gives way to a new one', async () => {
    const checks = checksOf(SILENT)
    const lanes = WAITING_MAX / WAITING_IN_LANE_MAX
    void checks.check('runs', 'y', 'first')
    const filling = Array.from({ length: lanes }, (_, lane) =>
      Array.from({ length: WAITING_IN_LANE_MAX }, () => checks.check('x', 'y', `lane ${lane}`)),
    ).flat()
    expect(checks.waiting).toBe(WAITING_MAX)
    void checks.check('x', 'y', 'somebody new')
    expect(checks.waiting).toBe(WAITING_MAX)
    expect(await filling[WAITING_IN_LANE_MAX - 1]).toBeUndefined()
  })

  it('lanes take turns', async () => {
    const checks = checksOf(ORDERLY)
    const order: string[] = []
    const ask = (name: string, lane: string) =>
      checks.check('right', 'y', lane).then(() => {
        order.push(name)
      })
    await Promise.all([ask('a1', 'a'), ask('a2', 'a'), ask('a3', 'a'), ask('b1', 'b'), ask('a4', 'a')])
    expect(order.indexOf('b1')).toBeLessThan(order.indexOf('a3'))
  })

  it('a thread that dies answers nothing, and the next check has another', async () => {
    const checks = checksOf(MORTAL)
    const asked = [
      checks.check('die', 'y', 'a'),
      checks.check('right', 'y', 'a'),
      checks.check('wrong', 'y', 'a'),
    ]
    expect(await Promise.all(asked)).toEqual([undefined, true, false])
  })

  it('a thread that always dies lets nobody in', async () => {
    const checks = checksOf(DYING)
    const asked = ['a', 'b', 'c'].map((lane) => checks.check('right', HASH_OF_SECRET, lane))
    expect(await Promise.all(asked)).toEqual([undefined, undefined, undefined])
  })

  it('once closed nothing is answered', async () => {
    const checks = checksOf()
    await checks.close()
    expect(await checks.check('secret', HASH_OF_SECRET, 'a')).toBeUndefined()
  })
})
