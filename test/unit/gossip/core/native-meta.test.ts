import { describe, expect, it } from 'vitest'
import { classifyMeta, nativeMeta, nativeVersions } from '../../../../src/gossip/core/native-meta.ts'

describe('node meta', () => {
  it('of ours makes a member native', () => {
    expect(classifyMeta(nativeMeta())).toBe('native')
  })

  it('of Alertmanager (empty), of Serf (ff, then tags) and cut short makes a member foreign', () => {
    for (const meta of [[], [0xff, 0x80], [0x68], [0x68, 0x73], [0x68, 0x73, 1]]) {
      expect(classifyMeta(Uint8Array.from(meta))).toBe('foreign')
    }
  })

  it('of a newer hearsay that still reads our version makes a member native', () => {
    expect(classifyMeta(Uint8Array.of(0x68, 0x73, 1, 9))).toBe('native')
  })

  it('of a newer hearsay that no longer reads our version makes a member foreign, with its versions known', () => {
    const meta = Uint8Array.of(0x68, 0x73, 7, 9)
    expect(classifyMeta(meta)).toBe('foreign')
    expect(nativeVersions(meta)).toEqual({ min: 7, max: 9 })
  })
})
