import { describe, expect, it } from 'vitest'
import { actorId } from '../../../../src/base/names.ts'
import {
  classifyMeta,
  nativeActor,
  nativeMeta,
  nativeRelease,
  nativeVersions,
} from '../../../../src/gossip/core/native-meta.ts'

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

it('a release behind the versions is for people: who reads none of it, or has none, is as native as before', () => {
  expect(nativeRelease(nativeMeta('1.2.3-rc.1'))).toBe('1.2.3-rc.1')
  expect(classifyMeta(nativeMeta('1.2.3-rc.1'))).toBe('native')
  expect(nativeVersions(nativeMeta('1.2.3'))).toEqual(nativeVersions(nativeMeta()))
  expect(nativeRelease(nativeMeta())).toBeUndefined()
})

it.each([
  ['an escape sequence', [0x1b, 0x5b, 0x32, 0x4a]],
  ['what is too long', Array<number>(33).fill(0x31)],
  ['what is not ASCII', [0xc3, 0xa9]],
])('%s is no release that is shown', (_what, tail) => {
  expect(nativeRelease(Uint8Array.from([...nativeMeta(), ...tail]))).toBeUndefined()
})

it('other programs have no release, whatever their meta says; one that cannot be shown is not told', () => {
  expect(nativeRelease(new TextEncoder().encode('ab120.1.0'))).toBeUndefined()
  expect(nativeMeta('a b')).toEqual(nativeMeta())
})

it('tells release and actor, each with or without the other', () => {
  const actor = actorId('0123456789abcdef'.repeat(2))
  const release = '1.2.3-rc.1'
  expect(nativeActor(nativeMeta(release, actor))).toBe(actor)
  expect(nativeRelease(nativeMeta(release, actor))).toBe(release)
  expect(nativeActor(nativeMeta('', actor))).toBe(actor)
  expect(nativeRelease(nativeMeta('', actor))).toBeUndefined()
  expect(nativeActor(nativeMeta(release))).toBeUndefined()
  expect(classifyMeta(nativeMeta(release, actor))).toBe('native')
})

it('with a part that is no actor tells none', () => {
  const actor = actorId('ff'.repeat(16))
  const meta = nativeMeta('1.0.0', actor)
  expect(nativeActor(meta.subarray(0, -1))).toBeUndefined()
  expect(nativeActor(Uint8Array.from([...meta, 1]))).toBeUndefined()
  expect(nativeActor(Uint8Array.of(0xff, 0x80, 0, ...meta))).toBeUndefined()
})
