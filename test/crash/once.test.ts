/**
 * `notifications.once` of three real processes with their stores on disk, against a receiver that counts: one
 * notification a flush without faults and while the receiver fails; one or two when the sender is killed before, during or
 * after its send, the second as soon as the death is known and not after Alertmanager's 15 s.
 *
 * 1,000 flushes, and a receiver that fails for 3 s (10 s with HEARSAY_TEST=ci; a minute with HEARSAY_TEST=long).
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type CompiledScript, compileScript } from '../support/compiled-script.ts'
import { LineProcess } from '../support/line-process.ts'
import { inCi, inLong } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { type Call, WebhookServer } from './webhook-server.ts'

const FLUSHES = 1000
const FAILING_MS = inLong ? 60_000 : inCi ? 10_000 : 3000
/** For each way to die; a third of them are the victim's, more or less. */
const GATED = 12
const NAMES = ['ana', 'ben', 'eve'] as const
/** Suspicion of three takes 4 s at the least, after a probe of 1 s that may have just begun. */
const TAKEOVER_MS_MAX = 10_000

let worker: CompiledScript

beforeAll(() => {
  worker = compileScript('test/crash/once-worker.ts')
})

afterAll(() => worker.remove())

interface Trio {
  readonly webhook: WebhookServer
  readonly processes: ReadonlyMap<string, LineProcess>
  /** One command to all of them, or to those named. */
  all(command: string, names?: readonly string[]): Promise<readonly object[]>
}

async function openTrio(): Promise<Trio> {
  const webhook = await WebhookServer.open()
  const path = tempDir()
  const processes = new Map<string, LineProcess>()
  const peers: string[] = []
  for (const name of NAMES) {
    const child = new LineProcess([worker.path, name, join(path, name), webhook.url, ...peers])
    onTestFinished(() => child.kill())
    processes.set(name, child)
    const { gossip } = await child.expect('its address')
    peers.push(String(gossip))
  }
  const all: Trio['all'] = (command, names = NAMES) =>
    Promise.all(names.map((name) => processes.get(name)?.ask(command) ?? {}))
  await all('members 3')
  return { webhook, processes, all }
}

function sum(answers: readonly object[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const answer of answers) {
    for (const [outcome, count] of Object.entries(answer)) total[outcome] = (total[outcome] ?? 0) + count
  }
  return total
}

/** How many groups were notified how often. */
function timesOf(hooks: ReadonlyMap<string, readonly Call[]>): Record<number, number> {
  const times: Record<number, number> = {}
  for (const calls of hooks.values()) times[calls.length] = (times[calls.length] ?? 0) + 1
  return times
}

describe('once in three processes', () => {
  it('sends each notification once, also when one of them never calls', { timeout: 120_000 }, async () => {
    const { webhook, all } = await openTrio()
    const startedMs = performance.now()
    const outcomes = sum(await all(`flush bulk ${FLUSHES}`))
    const tookMs = performance.now() - startedMs
    expect(outcomes).toEqual({ sent: FLUSHES, skipped: 2 * FLUSHES })
    expect(timesOf(webhook.hooks('bulk'))).toEqual({ 1: FLUSHES })
    process.stdout.write(`once: ${FLUSHES} flushes on three replicas in ${Math.round(tookMs)} ms\n`)
    const two = sum(await all('flush two 50', ['ana', 'ben']))
    expect(two).toEqual({ sent: 50, skipped: 50 })
    const one = sum(await all('flush one 50', ['eve']))
    expect(one).toEqual({ sent: 50 })
    expect(timesOf(new Map([...webhook.hooks('two'), ...webhook.hooks('one')]))).toEqual({ 1: 100 })
  })

  it('has no second sender while the receiver fails', { timeout: 120_000 }, async () => {
    const { webhook, all } = await openTrio()
    const endsAtMs = performance.now() + FAILING_MS
    webhook.policy = ({ atMs }) => (atMs < endsAtMs ? 'error' : 'ok')
    expect(sum(await all('flush failing 9'))).toEqual({ sent: 9, skipped: 18 })
    const hooks = [...webhook.hooks('failing').values()]
    expect(hooks.map((calls) => new Set(calls.map(({ sender }) => sender)).size)).toEqual(Array(9).fill(1))
    expect(
      hooks.every((calls) => calls.length >= 4 && calls.filter(({ atMs }) => atMs >= endsAtMs).length === 1),
    ).toBe(true)
  })

  it('takes over from a sender that is killed before, during or after its send', {
    timeout: 120_000,
  }, async () => {
    const { webhook, processes, all } = await openTrio()
    const phases = ['before', 'hook', 'after']
    // The first call of each group to its phase is held: there its sender stands when it is killed.
    const seen = new Set<string>()
    webhook.policy = ({ phase, group }) => {
      if (!group.startsWith(`${phase}-`) || seen.has(group)) return 'ok'
      seen.add(group)
      return 'hold'
    }
    const ends = new Map(NAMES.map((name) => [name, all(`flush ${phases.join(',')} ${GATED} gated`, [name])]))
    for (const end of ends.values()) end.catch(() => undefined)
    await until(() => webhook.held.length === phases.length * GATED)
    const victim = mostEven(webhook.held, phases)
    const theirs = webhook.held.filter(({ sender }) => sender === victim)
    const killedMs = performance.now()
    await processes.get(victim)?.kill()
    webhook.release()
    const survivors = NAMES.filter((name) => name !== victim)
    const outcomes = sum(
      (await Promise.all(survivors.map((name) => ends.get(name)))).flatMap((end) => end ?? []),
    )
    expect(outcomes).toEqual({ sent: 3 * GATED, skipped: 3 * GATED })
    for (const phase of phases) {
      const hooks = webhook.hooks(phase)
      const taken = theirs.filter(({ group }) => group.startsWith(`${phase}-`)).map(({ group }) => group)
      expect([phase, taken.length > 0]).toEqual([phase, true])
      const expected = (group: string): number => (taken.includes(group) && phase !== 'before' ? 2 : 1)
      expect([...hooks].filter(([group, calls]) => calls.length !== expected(group))).toEqual([])
    }
    const groups = new Set(theirs.map(({ group }) => group))
    const takeoversMs = webhook.calls
      .filter(({ phase, group, atMs }) => phase === 'hook' && groups.has(group) && atMs > killedMs)
      .map(({ atMs }) => Math.round(atMs - killedMs))
    process.stdout.write(
      `once: takeover ${Math.min(...takeoversMs)} to ${Math.max(...takeoversMs)} ms after a kill\n`,
    )
    expect(Math.max(...takeoversMs)).toBeLessThan(TAKEOVER_MS_MAX)
  })
})

/** The sender with something in every phase. */
function mostEven(held: readonly Call[], phases: readonly string[]): string {
  const least = (name: string): number =>
    Math.min(
      ...phases.map((phase) => held.filter((call) => call.sender === name && call.phase === phase).length),
    )
  return NAMES.reduce<string>((best, name) => (least(name) > least(best) ? name : best), 'ana')
}
