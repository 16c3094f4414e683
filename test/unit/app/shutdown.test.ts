import { describe, expect, it } from 'vitest'
import { runShutdown, type ShutdownEnd, type ShutdownStep } from '../../../src/app/shutdown.ts'
import { type ShutdownPlan, shutdownSteps } from '../../../src/app/shutdown-steps.ts'
import { flushed } from '../../support/flushed.ts'

/** Time that passes when told to. */
class FakeTime {
  nowMs = 0
  readonly #alarms = new Set<{ readonly atMs: number; readonly run: () => void }>()
  readonly clock = { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs }
  readonly alarms = {
    at: (atMs: number, run: () => void) => {
      const alarm = { atMs, run }
      this.#alarms.add(alarm)
      return { cancel: () => void this.#alarms.delete(alarm) }
    },
  }

  get armed(): number {
    return this.#alarms.size
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms
    for (const alarm of [...this.#alarms]) {
      if (alarm.atMs > this.nowMs) continue
      this.#alarms.delete(alarm)
      alarm.run()
    }
    await flushed()
  }
}

interface Run {
  readonly time: FakeTime
  readonly lines: string[]
  readonly end: () => ShutdownEnd | undefined
}

async function run(steps: readonly ShutdownStep[], capMs: number): Promise<Run> {
  const time = new FakeTime()
  const lines: string[] = []
  const note = (event: string, fields: Readonly<Record<string, string | number>>): void => {
    lines.push(`${event} ${fields.step} ${fields.ms ?? fields.reason}`)
  }
  let end: ShutdownEnd | undefined
  void runShutdown(steps, {
    capMs,
    clock: time.clock,
    alarms: time.alarms,
    log: { info: note, warn: note },
  }).then((result) => {
    end = result
  })
  await flushed()
  return { time, lines, end: () => end }
}

const never = (): Promise<void> => new Promise(() => undefined)

describe('an orderly stop', () => {
  it('runs one step after the other, and arms nothing that outlives it', async () => {
    const order: string[] = []
    let finishFirst: () => void = () => undefined
    const first = new Promise<void>((resolve) => {
      finishFirst = resolve
    })
    const { time, end } = await run(
      [
        { name: 'first', budgetMs: 100, run: () => first.then(() => order.push('first')) },
        { name: 'second', budgetMs: 100, run: () => order.push('second') },
      ],
      1000,
    )
    expect(order).toEqual([])
    finishFirst()
    await flushed()
    expect(order).toEqual(['first', 'second'])
    expect(end()).toEqual({ tookMs: 0, overran: [], failures: [], hung: undefined })
    expect(time.armed).toBe(0)
  })

  it('leaves a step behind that outlives its budget, and says which', async () => {
    const order: string[] = []
    const { time, end, lines } = await run(
      [
        { name: 'stuck', budgetMs: 100, run: never },
        { name: 'next', budgetMs: 100, run: () => order.push('next') },
      ],
      1000,
    )
    await time.pass(99)
    expect(order).toEqual([])
    await time.pass(1)
    expect(order).toEqual(['next'])
    expect(end()).toMatchObject({ overran: ['stuck'], hung: undefined })
    expect(lines).toEqual([
      'shutdown_step_overran stuck 100',
      'shutdown_step next 0',
      'shutdown_done undefined 100',
    ])
  })

  it('is over at its cap, names the step that hung and begins no other', async () => {
    const order: string[] = []
    const { time, end } = await run(
      [
        { name: 'slow', budgetMs: 800, run: never },
        { name: 'stuck', budgetMs: 800, run: never },
        { name: 'last', budgetMs: 800, run: () => order.push('last') },
      ],
      1000,
    )
    await time.pass(800)
    expect(end()).toBeUndefined()
    await time.pass(200)
    expect(end()).toMatchObject({ hung: 'stuck', overran: ['slow'], tookMs: 1000 })
    expect(order).toEqual([])
  })

  it('goes on after a step that fails, and keeps what it threw', async () => {
    const failure = new Error('the disk is gone')
    const order: string[] = []
    const { end, lines } = await run(
      [
        {
          name: 'broken',
          budgetMs: 100,
          run: () => {
            throw failure
          },
        },
        { name: 'next', budgetMs: 100, run: () => order.push('next') },
      ],
      1000,
    )
    expect(order).toEqual(['next'])
    expect(end()?.failures).toEqual([failure])
    expect(lines[0]).toBe('shutdown_step_failed broken Error: the disk is gone')
  })
})

/** Says what it is told, in order. */
function recordingPlan(order: string[], timeoutMs: number): ShutdownPlan {
  const note = (what: string) => async (): Promise<void> => {
    order.push(what)
  }
  const at = (what: string) => (): void => void order.push(what)
  return {
    replica: {
      drain: at('drain'),
      endStreams: at('endStreams'),
      finishSends: note('finishSends'),
      leave: note('leave'),
      shut: note('shut'),
    },
    web: { stopAccepting: at('stopAccepting'), finish: note('finish'), close: note('close web') },
    rest: note('rest'),
    drainDelay: note('drainDelay'),
    timeoutMs,
  }
}

describe('the steps of a replica', () => {
  it('tell who asks before anything is taken away, and close the store after all who write to it', async () => {
    const order: string[] = []
    for (const step of shutdownSteps(recordingPlan(order, 1000))) await step.run()
    expect(order).toEqual([
      'drain',
      'drainDelay',
      'stopAccepting',
      'endStreams',
      'finishSends',
      'finish',
      'leave',
      'shut',
      'close web',
      'rest',
    ])
  })

  it('have budgets that leave something of any cap for the store', () => {
    for (const timeoutMs of [1000, 20_000, 3_600_000]) {
      const bounded = shutdownSteps(recordingPlan([], timeoutMs)).filter(({ budgetMs }) =>
        Number.isFinite(budgetMs),
      )
      expect(bounded.map(({ name }) => name)).toEqual(['finish-sends', 'finish-requests', 'leave'])
      const sum = bounded.reduce((total, { budgetMs }) => total + budgetMs, 0)
      expect(sum).toBeLessThanOrEqual(timeoutMs * 0.8 + 1e-6)
    }
  })
})
