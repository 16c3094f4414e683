import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { DiskSpace } from '../../../src/app/disk-space.ts'

it('the file system of a directory is told once it has been asked', async () => {
  const disk = new DiskSpace(tmpdir())
  expect([...disk.samples()]).toEqual([])
  await disk.refresh()
  const [free, all] = [...disk.samples()].map((sample) => ('value' in sample ? sample.value : Number.NaN))
  expect(free).toBeGreaterThan(0)
  expect(all).toBeGreaterThanOrEqual(free ?? Number.NaN)
  await disk.refresh()
})

it('a directory that is gone has no figures, and fails nobody', async () => {
  const disk = new DiskSpace('/nowhere/at/all')
  await disk.refresh()
  expect([...disk.samples()]).toEqual([])
})
