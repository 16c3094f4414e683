/** Nothing is set aside that another replica has open, and nothing that is only out of reach. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

const value = (text: string): { contentType: string; bytes: Uint8Array } => ({
  contentType: 'text/plain',
  bytes: new TextEncoder().encode(text),
})

it('a damaged database that a running replica holds is left to it: a second start is refused as locked', async () => {
  const path = tempDir()
  const running = await openHostStore({ path })
  await running.kv.put('m', 'a', value('1'))
  rmSync(join(path, 'hearsay', 'db', 'CURRENT'))
  await expect(openHostStore({ path, hasPeers: true })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  expect(readdirSync(join(path, 'hearsay')).filter((name) => name.startsWith('db.damaged-'))).toEqual([])
  expect(existsSync(join(path, 'hearsay', 'db'))).toBe(true)
  await running.close()
})
