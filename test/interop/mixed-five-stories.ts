/**
 * What befalls a cluster of five, three of hearsay (0, 1, 2) and two of another program (3, 4), told once for each other
 * program. Every story ends with everybody alive in everybody's eyes, and with every acknowledged silence everywhere.
 */
import { execFile } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { FiveCluster } from '../support/five-cluster.ts'
import type { NetHost } from '../support/net-namespaces.ts'
import { inCi, inLong } from '../support/requirement.ts'

export const STORY_TIMEOUT_MS = 150_000
/** One of each kind. */
const AWAY = [2, 4]
const STAY = [0, 1, 3]
/** Stopped for longer than a call on the lost takes; in the long version until the dead are forgotten, and cut off as long. */
const STOPPED_MS = inLong ? 45_000 : inCi ? 4500 : 0
const CUT_MS = inLong ? 45_000 : 0
/** For how long a broken direction must harm nobody: longer than a suspicion lasts. */
const ONE_WAY_MS = 3000

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

export function printFigures(title: string, figures: Readonly<Record<string, number>>): void {
  const texts = Object.entries(figures).map(([what, ms]) => `${what} ${seconds(ms)}`)
  process.stderr.write(`${title}: ${texts.join(', ')}\n`)
}

/** Until everything is well again. @param mend what was broken; times count from its beginning */
async function recovered(
  cluster: FiveCluster,
  mend: () => Promise<void> | void,
): Promise<{ readonly whole: number; readonly equal: number }> {
  const startedAt = performance.now()
  await mend()
  await cluster.see(cluster.all)
  const whole = performance.now() - startedAt
  await cluster.equal()
  return { whole, equal: performance.now() - startedAt }
}

/** Nobody misses anybody for so long. */
export async function staysWhole(cluster: FiveCluster, ms: number): Promise<void> {
  const endMs = performance.now() + ms
  while (performance.now() < endMs) {
    expect(await cluster.isWhole()).toBe(true)
    await pause(50)
  }
}

/** Whether a TCP connection from this host comes about within a second. */
async function canDial(from: NetHost | undefined, address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  const script = `require('net').connect(${port}, '${host}', () => process.exit(0)); setTimeout(() => process.exit(1), 1000)`
  const [command = '', ...args] = [...(from?.prefix ?? []), process.execPath, '-e', script]
  return promisify(execFile)(command, args).then(
    () => true,
    () => false,
  )
}

/** While `story` goes on, everybody writes. */
async function underTraffic(cluster: FiveCluster, story: () => Promise<void>): Promise<void> {
  const end = cluster.traffic()
  try {
    await story()
  } finally {
    await end()
  }
  await cluster.equal()
  expect(cluster.refused).toEqual([])
}

/** @param isBrief leaves out, outside CI, what is told of other clusters then */
export function stories(other: string, cluster: () => FiveCluster, isBrief = false): void {
  it.runIf(inCi)('kill -9 of one of each', { timeout: STORY_TIMEOUT_MS }, async () => {
    const five = cluster()
    await underTraffic(five, async () => {
      await five.write(2)
      await five.kill(AWAY)
      const dead = await five.see(STAY)
      const { whole, equal } = await recovered(five, () => five.start(AWAY))
      printFigures(`hearsay and ${other}, killed`, {
        'seen dead by all after': dead,
        'started again: whole after': whole,
        'equal after': equal,
      })
    })
  })

  it.runIf(inCi || !isBrief)(
    'stopping one of each until it is declared dead',
    { timeout: STORY_TIMEOUT_MS },
    async () => {
      const five = cluster()
      await underTraffic(five, async () => {
        five.stop(AWAY)
        const dead = await five.see(STAY)
        for (const i of STAY) await five.write(i)
        await pause(STOPPED_MS)
        const { whole, equal } = await recovered(five, () => five.continue(AWAY))
        printFigures(`hearsay and ${other}, stopped`, {
          'seen dead by all after': dead,
          'continued: whole after': whole,
          'equal after': equal,
        })
      })
    },
  )

  it.runIf(inCi || !isBrief)(
    'a network cut in two, with both kinds on both sides',
    { timeout: STORY_TIMEOUT_MS },
    async () => {
      const five = cluster()
      await underTraffic(five, async () => {
        five.net.cut(AWAY)
        const [larger, smaller] = await Promise.all([five.see(STAY), five.see(AWAY)])
        const across = [await five.write(0), await five.write(3)]
        expect(await five.at(2).lacks(across)).toEqual(across)
        await pause(CUT_MS)
        const { whole, equal } = await recovered(five, () => five.net.heal())
        printFigures(`hearsay and ${other}, cut`, {
          'sides apart after': Math.max(larger, smaller),
          'healed: whole after': whole,
          'equal after': equal,
        })
      })
    },
  )

  it.runIf(inCi)(
    'what one sends to one of another kind being lost, and nobody is thought dead',
    { timeout: STORY_TIMEOUT_MS },
    async () => {
      const five = cluster()
      await underTraffic(five, async () => {
        five.net.cutOneWay(3, 0)
        five.net.cutOneWay(1, 4)
        expect(await canDial(five.net.hosts[3], five.at(0).address)).toBe(false)
        expect(await canDial(five.net.hosts[3], five.at(1).address)).toBe(true)
        await staysWhole(five, ONE_WAY_MS)
        for (const i of five.all) await five.write(i)
        const equal = await five.equal()
        printFigures(`hearsay and ${other}, one way lost`, { 'equal after': equal })
        five.net.heal()
      })
    },
  )
}
