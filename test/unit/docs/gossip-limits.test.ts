import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { lanDefaults } from '../../../src/gossip/core/config.ts'
import { driverDefaults } from '../../../src/gossip/io/gossip.ts'
import {
  DEFAULT_PACKET_LIMITS,
  DEFAULT_STREAM_LIMITS,
  NAME_BYTES_MAX,
  TRAILING_BYTES_MAX,
} from '../../../src/gossip/wire/limits.ts'

const page = readFileSync('docs/reference/gossip-limits.md', 'utf8')
/** The first of a name is the one of datagrams. */
const bounds: Readonly<Record<string, unknown>> = {
  NAME_BYTES_MAX,
  TRAILING_BYTES_MAX,
  ...DEFAULT_STREAM_LIMITS,
  ...DEFAULT_PACKET_LIMITS,
  ...driverDefaults(),
  ...lanDefaults(),
}

describe('gossip-limits.md', () => {
  it('gives every bound as the code has it', () => {
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, name = '', value]) => [
      name,
      Number(value),
    ])
    expect(rows.length).toBeGreaterThan(20)
    expect(rows).toEqual(rows.map(([name = '']) => [name, bounds[name]]))
  })

  it('leaves out no bound of packets and streams', () => {
    const named = new Set([...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name))
    // Of the reader's manners, not bounds.
    const others = new Set(['freeBytes', 'turnBytes'])
    const all = [...Object.keys(DEFAULT_PACKET_LIMITS), ...Object.keys(DEFAULT_STREAM_LIMITS)]
    expect(all.filter((name) => !named.has(name) && !others.has(name))).toEqual([])
  })
})
