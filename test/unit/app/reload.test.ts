import { describe, expect, it } from 'vitest'
import { LiveLog } from '../../../src/app/live-log.ts'
import { LiveOptions } from '../../../src/app/options/live-options.ts'
import { type ResolvedOptions, resolveOptions } from '../../../src/app/options/options.ts'
import { Reload, type ReloadDeps } from '../../../src/app/reload.ts'
import { flushed } from '../../support/flushed.ts'

/** The configuration file as it is now; and what a reload of it did. */
class Rig {
  text: string
  nowMs = 1000
  readonly flags: Record<string, string[]>
  readonly changes: string[][] = []
  readonly lines: string[] = []
  readonly live: LiveOptions
  readonly reload: Reload

  constructor(text: string, flags: Record<string, string[]> = {}, deps: Partial<ReloadDeps> = {}) {
    this.text = text
    this.flags = { 'config.file': ['hearsay.yml'], ...flags }
    this.live = new LiveOptions(this.resolve().options)
    const note = (event: string, fields: object): void =>
      void this.lines.push(`${event} ${Object.values(fields)}`)
    this.reload = new Reload({
      clock: { monotonicMs: () => this.nowMs, wallMs: () => this.nowMs },
      log: { info: note, warn: note },
      live: this.live,
      resolve: () => this.resolve(),
      files: [],
      fixed: new Set(),
      changed: (names) => this.changes.push([...names]),
      ...deps,
    })
  }

  resolve(): ResolvedOptions {
    return resolveOptions({
      flags: new Map(Object.entries(this.flags)),
      environment: {},
      readFile: () => this.text,
    })
  }

  get samples(): readonly number[] {
    return [...this.reload.samples()].map((sample) => ('value' in sample ? sample.value : Number.NaN))
  }
}

describe('a reload', () => {
  it('applies what can change live, and names what needs a restart with both values', async () => {
    const rig = new Rig('log: {level: info}\n')
    rig.text = 'log: {level: debug}\ndata: {retention: 1h}\ncluster: {probe-interval: 2s, label: blue}\n'
    expect(await rig.reload.run()).toEqual({
      applied: ['data.retention', 'log.level'],
      needsRestart: [
        { option: 'cluster.label', current: '', wanted: 'blue' },
        { option: 'cluster.probe-interval', current: '1s', wanted: '2s' },
      ],
      reread: [],
      unchanged: Object.keys(rig.live.now).length - 4,
    })
    const { 'log.level': level, 'data.retention': retention, 'cluster.label': label } = rig.live.now
    expect([level, retention, label]).toEqual(['debug', 3_600_000, ''])
    expect(rig.changes).toEqual([['data.retention', 'log.level']])
    expect(rig.lines).toEqual([
      'config_reloaded data.retention,log.level,cluster.label,cluster.probe-interval',
    ])
  })

  it('goes on naming what needs a restart, and applies nothing twice', async () => {
    const rig = new Rig('')
    rig.text = 'limits: {alerts: 5}\ncluster: {label: blue}\n'
    await rig.reload.run()
    const { applied, needsRestart } = await rig.reload.run()
    expect(applied).toEqual([])
    expect(needsRestart.map(({ option }) => option)).toEqual(['cluster.label'])
  })

  it('leaves to flags what flags say', async () => {
    const rig = new Rig('', { 'log.level': ['warn'] })
    rig.text = 'log: {level: debug}\n'
    expect(await rig.reload.run()).toMatchObject({ applied: [], needsRestart: [] })
    expect(rig.live.now['log.level']).toBe('warn')
  })

  it('of a configuration that is not valid changes nothing, says where it is wrong, and shows it until it is right', async () => {
    const rig = new Rig('log: {level: info}\n')
    rig.nowMs = 5000
    rig.text = 'log: {level: debug}\nlimits:\n  alerts: many\n'
    await expect(rig.reload.run()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('hearsay.yml line 3'),
    })
    expect(rig.live.now['log.level']).toBe('info')
    expect(rig.changes).toEqual([])
    expect(rig.samples).toEqual([0, 1])
    expect(rig.reload.warnings()).toEqual([expect.stringMatching(/^the last reload was refused: .*line 3/)])
    rig.text = 'log: {level: debug}\n'
    await rig.reload.run()
    expect(rig.samples).toEqual([1, 5])
    expect(rig.reload.warnings()).toEqual([])
  })

  it('that meets a file of no use changes no option', async () => {
    const reread = (): Promise<void> => Promise.reject(new Error('keys line 2: no key'))
    const rig = new Rig('', {}, { files: [{ option: 'cluster.key-file', reread }] })
    rig.text = 'log: {level: debug}\n'
    await expect(rig.reload.run()).rejects.toThrow('keys line 2: no key')
    expect(rig.live.now['log.level']).toBe('info')
  })

  it('names as needing a restart what this replica has no use for', async () => {
    const rig = new Rig('', {}, { fixed: new Set(['cluster.peer']) })
    rig.text = 'cluster: {peer: [10.0.0.1:9094]}\n'
    expect(await rig.reload.run()).toMatchObject({
      applied: [],
      needsRestart: [{ option: 'cluster.peer', current: [], wanted: ['10.0.0.1:9094'] }],
    })
  })

  it('runs alone: who asks meanwhile shares the next one, which sees the file as it is then', async () => {
    let running = 0
    let atOnce = 0
    let runs = 0
    const gates: (() => void)[] = []
    const reread = async (): Promise<void> => {
      running++
      runs++
      atOnce = Math.max(atOnce, running)
      await new Promise<void>((resolve) => gates.push(resolve))
      running--
    }
    const rig = new Rig('', {}, { files: [{ option: 'cluster.key-file', reread }] })
    const first = rig.reload.run()
    await flushed()
    rig.text = 'log: {level: warn}\n'
    const later = Array.from({ length: 10 }, () => rig.reload.run())
    gates.shift()?.()
    await first
    await flushed()
    gates.shift()?.()
    const reports = await Promise.all(later)
    expect([runs, atOnce]).toEqual([2, 1])
    expect(reports.every((report) => report === reports[0])).toBe(true)
    expect(rig.live.now['log.level']).toBe('warn')
  })
})

describe('a live log', () => {
  it('changes level and form of the loggers it has given', () => {
    const lines: string[] = []
    const log = new LiveLog({ level: 'info', format: 'logfmt' }, (text) => void lines.push(text))
    const logger = log.logger('n')
    logger.debug({ event: 'one' })
    log.change({ level: 'debug', format: 'json' })
    logger.debug({ event: 'two' })
    log.change({ level: 'warn', format: 'json' })
    logger.info({ event: 'three' })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ event: 'two', level: 'debug', node: 'n' })
  })
})
