import { describe, expect, it } from 'vitest'
import { ItemHasher } from '../../../../src/store/core/item-hasher.ts'
import { A, B, dot, entry, record } from './fixtures.ts'

function hashes(
  take: (hasher: ItemHasher) => void,
  hasher: ItemHasher = new ItemHasher(),
): readonly [number, number] {
  take(hasher)
  return [hasher.hi, hasher.lo]
}

describe('the hashes of items', () => {
  it('are those of this version of the private wire', () => {
    const held = entry(7, 1000, 'v', { expiresAtMs: 2000 })
    expect(hashes((hasher) => hasher.entry('m', 'k', held))).toEqual([4_165_662_798, 8_616_013])
    expect(hashes((hasher) => hasher.member('s', 'ana', dot(7)))).toEqual([886953906, 1187701903])
    expect(hashes((hasher) => hasher.record('t', 'k', record(-5n, 'r')))).toEqual([2104949305, 1614362305])
  })

  it('do not depend on what was hashed before', () => {
    const used = new ItemHasher()
    for (let n = 1; n < 20; n++) {
      used.entry(`m${n % 3}`, `k${n}`, entry(n, n, `${n}`, { dot: dot(n, n % 2 === 0 ? A : B) }))
      used.member(`s${n % 2}`, `x${n}`, dot(n))
      used.record('t', `k${n}`, record(BigInt(n), 'r'))
    }
    const held = entry(1, 2, 'v')
    expect(hashes((hasher) => hasher.entry('m', 'k', held), used)).toEqual(
      hashes((hasher) => hasher.entry('m', 'k', held)),
    )
  })

  it('forget actors when there are very many, and are the same after that', () => {
    const used = new ItemHasher()
    const first = hashes((hasher) => hasher.member('s', 'x', dot(1)), used)
    for (let i = 0; i < 5000; i++) used.member('s', 'x', dot(1, `${i}`.padStart(32, '0') as typeof A))
    expect(hashes((hasher) => hasher.member('s', 'x', dot(1)), used)).toEqual(first)
  })

  it('give one name to two contents of one dot, and to two versions of a record', () => {
    const [a, b] = ['x', 'y'].map((text) => hashes((hasher) => hasher.entry('m', 'k', entry(1, 5, text))))
    expect([a?.[0] === b?.[0], a?.[1] === b?.[1]]).toEqual([true, false])
    const [one, two] = [1n, 2n].map((version) =>
      hashes((hasher) => hasher.record('t', 'k', record(version, 'r'))),
    )
    expect([one?.[0] === two?.[0], one?.[1] === two?.[1]]).toEqual([true, false])
    const [x, y] = ['x', 'y'].map((member) => hashes((hasher) => hasher.member('s', member, dot(1))))
    expect([x?.[0] === y?.[0], x?.[1] === y?.[1]]).toEqual([true, false])
  })
})
