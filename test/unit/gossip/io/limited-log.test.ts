import { describe, expect, it } from 'vitest'
import { LINES_PER_EVENT_MAX, limitedLog } from '../../../../src/gossip/io/limited-log.ts'

function rig() {
  const lines: string[] = []
  let nowMs = 0
  const write =
    (level: string) =>
    (event: string, fields: Readonly<Record<string, string | number>>): void => {
      lines.push(`${level} ${event} ${JSON.stringify(fields)}`)
    }
  const log = limitedLog(
    { debug: write('debug'), info: write('info'), warn: write('warn') },
    { monotonicMs: () => nowMs, wallMs: () => 0 },
  )
  return {
    log,
    lines,
    advanceTo: (atMs: number): void => {
      nowMs = atMs
    },
  }
}

describe('limited log', () => {
  it('a flood of one event leaves a bounded number of lines and does not silence others', () => {
    const { log, lines } = rig()
    for (let i = 0; i < 1000; i++) log.warn('name_conflict', { node: 'x' })
    log.info('member_alive', { node: 'y' })
    expect(lines).toHaveLength(LINES_PER_EVENT_MAX + 1)
    expect(lines.at(-1)).toBe('info member_alive {"node":"y"}')
  })

  it('the first line of the next second says how many were left out', () => {
    const { log, lines, advanceTo } = rig()
    for (let i = 0; i < LINES_PER_EVENT_MAX + 7; i++) log.warn('name_conflict', {})
    advanceTo(1000)
    log.warn('name_conflict', { node: 'z' })
    log.warn('name_conflict', { node: 'z' })
    expect(lines.slice(-2)).toEqual([
      'warn name_conflict {"node":"z","suppressed":7}',
      'warn name_conflict {"node":"z"}',
    ])
  })
})
