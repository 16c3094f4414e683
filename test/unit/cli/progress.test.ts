import { describe, expect, it } from 'vitest'
import { hasColour } from '../../../src/cli/colour.ts'
import { byteText, Progress, type ProgressOptions } from '../../../src/cli/progress.ts'

interface Rig {
  readonly progress: Progress
  readonly written: string[]
  nowMs: number
}

function rig(options: ProgressOptions, isTerminal: boolean, columns = 80): Rig {
  const written: string[] = []
  const write = (text: string): void => void written.push(text)
  const self = { written, nowMs: 0 }
  const sink = { isTerminal, columns, write, monotonicMs: () => self.nowMs }
  return Object.assign(self, { progress: new Progress(options, sink) })
}

const CLEAR = '\r\u001b[K'

describe('progress where there is no terminal', () => {
  it('is one line every three seconds, with rate and time left', () => {
    const at = rig({ verb: 'checked', unit: 'bytes', total: 40e6 }, false)
    for (let ms = 0; ms <= 6500; ms += 100) {
      at.nowMs = ms
      at.progress.update(ms * 1000)
    }
    at.progress.end()
    expect(at.written).toEqual([
      'hearsay: checked 3.0 MB of 40.0 MB (7 %), 1.0 MB/s, 37 s left\n',
      'hearsay: checked 6.0 MB of 40.0 MB (15 %), 1.0 MB/s, 34 s left\n',
    ])
  })

  it('has no end in sight where the total is unknown', () => {
    const at = rig({ verb: 'saved', unit: 'bytes' }, false)
    at.nowMs = 4000
    at.progress.update(2_000_000)
    expect(at.written).toEqual(['hearsay: saved 2.0 MB, 500.0 kB/s\n'])
  })

  it('counts things by name, and says what failed', () => {
    const at = rig({ verb: 'imported', unit: 'silences', total: 10_000 }, false)
    at.nowMs = 10_000
    at.progress.update(100, '2 failed')
    expect(at.written).toEqual([
      'hearsay: imported 100 of 10000 silences (1 %), 10/s, 16 min 30 s left, 2 failed\n',
    ])
  })

  it('of a short job says nothing, nor when it is not wanted', () => {
    const short = rig({ verb: 'saved', unit: 'bytes' }, false)
    short.nowMs = 2900
    short.progress.update(5)
    const unwanted = rig({ verb: 'saved', unit: 'bytes', isQuiet: true }, true)
    unwanted.nowMs = 60_000
    unwanted.progress.update(5)
    short.progress.end()
    unwanted.progress.end()
    expect([...short.written, ...unwanted.written]).toEqual([])
  })
})

describe('progress on a terminal', () => {
  it('is a bar that is written over, no wider than the terminal, and taken away at the end', () => {
    const at = rig({ verb: 'checked', unit: 'bytes', total: 1e6 }, true, 50)
    at.nowMs = 1000
    at.progress.update(500_000)
    at.nowMs = 1050
    at.progress.update(600_000)
    at.nowMs = 2000
    at.progress.update(1_000_000)
    at.progress.end()
    at.progress.end()
    expect(at.written).toEqual([
      `${CLEAR}checked [##########..........] 500.0 kB of 1.0 MB`,
      `${CLEAR}checked [####################] 1.0 MB of 1.0 MB (`,
      CLEAR,
    ])
  })
})

describe('sizes and colours', () => {
  it('sizes have the unit that fits', () => {
    expect([0, 17, 4500, 999_949, 12_345_678].map(byteText)).toEqual([
      '0 bytes',
      '17 bytes',
      '4.5 kB',
      '999.9 kB',
      '12.3 MB',
    ])
  })

  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { TERM: 'dumb' }, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('terminal: %s, environment %j: coloured %s', (isTTY, env, coloured) => {
    expect(hasColour({ isTTY }, env)).toBe(coloured)
  })
})
