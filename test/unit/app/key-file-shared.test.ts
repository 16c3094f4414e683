/** A key file that several processes change, and what a crash or a stingy file system leaves of it. */
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LOCK_STALE_MS, underLock } from '../../../src/app/file-lock.ts'
import { KeyFile } from '../../../src/app/key-file.ts'
import { errorCode } from '../../../src/base/errors.ts'
import { keyOf } from '../../support/gossip-keys.ts'
import { tempDir } from '../../support/temp-dir.ts'

const [a, b] = [keyOf(1), keyOf(2, 24)]
const clock = { wallMs: () => Date.now(), monotonicMs: () => 0 }

function written(text = a.text): string {
  const path = join(tempDir(), 'keys')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').trim().split('\n')
}

/** From now on as somebody who is not root and owns the directory. */
function asNobody(dir: string): void {
  if (process.geteuid?.() !== 0) return
  for (const name of ['.', ...readdirSync(dir)]) chownSync(join(dir, name), 65_534, 65_534)
  process.setegid?.(65_534)
  process.seteuid?.(65_534)
  onTestFinished(() => {
    process.seteuid?.(0)
    process.setegid?.(0)
  })
}

describe('a key file of several replicas', () => {
  it('loses none of the keys that they add at one time', async () => {
    const path = written()
    const files = await Promise.all([1, 2, 3].map(() => KeyFile.open(path, clock)))
    const keys = Array.from({ length: 6 }, (_, i) => keyOf(10 + i).text)
    const added = await Promise.all(keys.map((key, i) => files[i % 3]?.add(key)))
    expect(added).toEqual(keys.map(() => true))
    expect(linesOf(path).toSorted()).toEqual([a.text, ...keys].toSorted())
    expect(readdirSync(dirname(path))).toEqual(['keys'])
  })

  it('is not written while another holds it, and is once that one is long dead', async () => {
    const path = written()
    writeFileSync(`${path}.lock`, '')
    let looks = 0
    const wallMs = (): number => {
      looks++
      expect([looks, linesOf(path)]).toEqual([looks, [a.text]])
      return Date.now() + (looks > 5 ? 2 * LOCK_STALE_MS : 0)
    }
    await underLock(path, wallMs, async () => writeFileSync(path, b.text))
    expect([linesOf(path), looks, readdirSync(dirname(path))]).toEqual([[b.text], 6, ['keys']])
  })

  it('is left to who holds it for too long', async () => {
    const path = written()
    writeFileSync(`${path}.lock`, '')
    expect(
      await underLock(
        path,
        () => Date.now(),
        async () => 'ran',
        20,
      ),
    ).toBeUndefined()
    expect(existsSync(`${path}.lock`)).toBe(true)
  })

  it('that somebody changes by other means at that moment is theirs, and the change a conflict', async () => {
    const path = written(`${a.text}\n`)
    const file = await KeyFile.open(path, clock)
    // An editor that saves as soon as it sees that the file is about to be replaced.
    const watcher = watch(dirname(path), (_type, name) => {
      if (name?.includes('.tmp-') === true) writeFileSync(path, `${keyOf(9).text}\n`)
    })
    onTestFinished(() => watcher.close())
    const outcomes = await Promise.allSettled([file.add(b.text)])
    const [outcome] = outcomes
    watcher.close()
    expect(outcome?.status === 'rejected' ? errorCode(outcome.reason) : 'added').toBe('KEY_FILE_CONFLICT')
    expect([linesOf(path), readdirSync(dirname(path))]).toEqual([[keyOf(9).text], ['keys']])
  })
})

describe('what a crash left beside a key file', () => {
  it('is removed at the next start, and what is not ours stays', async () => {
    const path = written()
    for (const name of ['keys.tmp-01234567', 'keys.tmp-0123', 'keys2.tmp-01234567', 'keys.bak']) {
      writeFileSync(join(dirname(path), name), b.text)
    }
    writeFileSync(`${path}.lock`, '')
    utimesSync(`${path}.lock`, 1, 1)
    await KeyFile.open(path, clock)
    expect(readdirSync(dirname(path))).toEqual(['keys', 'keys.bak', 'keys.tmp-0123', 'keys2.tmp-01234567'])
  })
})

describe('a change that is in the file', () => {
  it('is one also where its directory cannot be synced', async () => {
    const path = written()
    const file = await KeyFile.open(path, clock)
    const events: string[] = []
    const log = (event: string): void => void events.push(event)
    file.follow({ debug: log, info: log, warn: log }, () => () => undefined)
    asNobody(dirname(path))
    chmodSync(dirname(path), 0o300)
    expect(await file.add(b.text)).toBe(true)
    chmodSync(dirname(path), 0o700)
    expect([linesOf(path), file.ring.keys.length]).toEqual([[a.text, b.text], 2])
    expect(events).toContain('key_file_not_synced')
    expect(existsSync(`${path}.lock`)).toBe(false)
  })
})
