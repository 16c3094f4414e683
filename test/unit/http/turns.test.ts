import { describe, expect, it } from 'vitest'
import { Turns } from '../../../src/http/turns.ts'

/** More than a turn. */
function busy(): void {
  const endMs = performance.now() + 15
  while (performance.now() < endMs) {}
}

function nextRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe('turns of the event loop', () => {
  it('run at once what comes while there is time', () => {
    const turns = new Turns()
    const ran: string[] = []
    turns.enter(() => ran.push('light'))
    turns.enterHeavy(() => ran.push('heavy'))
    expect([ran, turns.waiting]).toEqual([['light', 'heavy'], 0])
  })

  it('let others in between when a turn is over: timers and sockets have theirs before the next piece', async () => {
    const turns = new Turns()
    const ran: string[] = []
    const timer = new Promise<void>((resolve) =>
      setTimeout(() => {
        ran.push('timer')
        resolve()
      }, 0),
    )
    for (const name of ['a', 'b', 'c']) {
      turns.enterHeavy(() => {
        busy()
        ran.push(name)
      })
    }
    expect([ran, turns.waiting]).toEqual([['a'], 2])
    await timer
    while (turns.waiting > 0) await nextRound()
    expect(ran.filter((name) => name !== 'timer')).toEqual(['a', 'b', 'c'])
    expect(ran.indexOf('timer')).toBeLessThan(ran.indexOf('c'))
  })

  it('let light work pass heavy work, and management pass all', async () => {
    const turns = new Turns()
    const ran: string[] = []
    turns.enterHeavy(busy)
    turns.enterHeavy(() => ran.push('heavy'))
    turns.enter(() => ran.push('light'))
    turns.enterFirst(() => ran.push('management'))
    while (turns.waiting > 0) await nextRound()
    expect(ran).toEqual(['management', 'light', 'heavy'])
  })

  it('finish heavy work that has begun before other heavy work begins', async () => {
    const turns = new Turns()
    const ran: string[] = []
    const list = (name: string) => async (): Promise<void> => {
      for (let piece = 0; piece < 3; piece++) {
        busy()
        ran.push(name + piece)
        await turns.pause()
      }
    }
    const ends: Promise<void>[] = []
    for (const name of ['a', 'b']) turns.enterHeavy(() => ends.push(list(name)()))
    while (ran.length < 6) await nextRound()
    await Promise.all(ends)
    expect(ran).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2'])
  })

  it('do not make heavy work wait for ever behind light work', async () => {
    const turns = new Turns()
    let heavy = 0
    let isOver = false
    const flood = (): void => {
      busy()
      if (!isOver) setImmediate(() => turns.enter(flood))
    }
    turns.enter(flood)
    for (let i = 0; i < 3; i++) turns.enterHeavy(() => heavy++)
    while (heavy < 3) await nextRound()
    isOver = true
    expect(heavy).toBe(3)
  })
})
