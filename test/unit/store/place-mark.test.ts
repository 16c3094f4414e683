/** A copy is told by the birth of its directory, and only where the file system remembers that. */
import { cpSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSamePlace, placeFrom } from '../../../src/store/place-mark.ts'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

const stats = (birthtimeNs: bigint, ctimeNs: bigint): { birthtimeNs: bigint; ctimeNs: bigint } => ({
  birthtimeNs,
  ctimeNs,
})

describe('the place of a database', () => {
  it('is the same after a remount that numbers its files anew', () => {
    expect(placeFrom(stats(5n, 9n))).toBe(placeFrom(stats(5n, 12n)))
  })

  it('is another when the directory was born at another time', () => {
    expect(isSamePlace(placeFrom(stats(5n, 9n)), placeFrom(stats(6n, 9n)))).toBe(false)
  })

  it('is not told where births are not kept, or are only the time of the last change', () => {
    for (const unknown of [stats(0n, 9n), stats(9n, 9n)]) {
      expect(isSamePlace(placeFrom(unknown), placeFrom(stats(5n, 9n)))).toBe(true)
      expect(isSamePlace(placeFrom(stats(5n, 9n)), placeFrom(unknown))).toBe(true)
      expect(isSamePlace(placeFrom(unknown), placeFrom(stats(10n, 10n)))).toBe(true)
    }
  })

  it('moves along with its folder, and a copy has one of its own', async () => {
    const path = join(tempDir(), 'first')
    const [moved, copy] = [join(tempDir(), 'moved'), join(tempDir(), 'copy')]
    const store = await openHostStore({ path })
    await store.close()
    cpSync(path, copy, { recursive: true })
    renameSync(path, moved)
    const same = await openHostStore({ path: moved })
    expect(same.actor).toBe(store.actor)
    const other = await openHostStore({ path: copy })
    expect(other.actor).not.toBe(store.actor)
    await Promise.all([same.close(), other.close()])
  })
})
