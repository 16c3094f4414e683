import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KEY_FILE_POLL_MS, KeyFile } from '../../../src/app/key-file.ts'
import { KEY_FILE_BYTES_MAX } from '../../../src/app/key-file-text.ts'
import type { RoomLog } from '../../../src/app/room-log.ts'
import { errorCode } from '../../../src/base/errors.ts'
import { keyOf } from '../../support/gossip-keys.ts'
import { tempDir } from '../../support/temp-dir.ts'

const [a, b, c] = [keyOf(1), keyOf(2, 24), keyOf(3, 16)]

interface Followed {
  readonly file: KeyFile
  readonly path: string
  /** `level event` of each line so far, and the whole of them as text. */
  readonly events: readonly string[]
  logged(): string
  /** As if a poll interval had passed. */
  poll(): Promise<void>
  /** Wall clock from now on. */
  at(nowMs: number): void
}

/** A key file that is followed, on a clock and a timer of ours. */
async function followed(
  text: string,
  path: string = join(tempDir(), 'keys'),
  mode = 0o600,
): Promise<Followed> {
  if (!existsSync(path)) writeFileSync(path, text, { mode })
  let nowMs = 1000
  const file = await KeyFile.open(path, { wallMs: () => nowMs, monotonicMs: () => nowMs })
  const events: string[] = []
  const lines: string[] = []
  const log = (level: string) => (event: string, fields: object) => {
    events.push(`${level} ${event}`)
    lines.push(JSON.stringify(fields))
  }
  const rooms: RoomLog = { debug: log('debug'), info: log('info'), warn: log('warn') }
  let task: () => Promise<void> = async () => undefined
  file.follow(rooms, (run, intervalMs) => {
    expect(intervalMs).toBe(KEY_FILE_POLL_MS)
    task = run
    return () => {
      task = async () => void events.push('polled after the end')
    }
  })
  return {
    file,
    path,
    events,
    logged: () => lines.join('\n'),
    poll: () => task(),
    at: (later) => {
      nowMs = later
    },
  }
}

function ringOf(file: KeyFile): readonly Uint8Array[] {
  return file.ring.keys
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => errorCode(error),
  )
}

const clock = { wallMs: () => 0, monotonicMs: () => 0 }

describe('a key file at start', () => {
  it('that cannot be read or used is an error that names the file and no key', async () => {
    const dir = tempDir()
    const path = join(dir, 'keys')
    await expect(KeyFile.open(path, clock)).rejects.toMatchObject({
      code: 'KEY_FILE_UNREADABLE',
      message: `cannot read the key file ${path}: ENOENT`,
    })
    await expect(KeyFile.open(dir, clock)).rejects.toMatchObject({ code: 'KEY_FILE_UNREADABLE' })
    writeFileSync(path, `${a.text}\nmy secret\n`)
    await expect(KeyFile.open(path, clock)).rejects.toMatchObject({
      code: 'KEY_FILE_MALFORMED',
      message: expect.stringMatching(/^\S+keys line 2: (?!.*secret)/),
    })
    writeFileSync(path, `#${' '.repeat(KEY_FILE_BYTES_MAX)}\n`)
    expect(await codeOf(KeyFile.open(path, clock))).toBe('KEY_FILE_MALFORMED')
  })

  it('that others may read is warned of, and of nobody else', async () => {
    expect((await followed(a.text, undefined, 0o640)).events).toEqual([])
    const open = await followed(a.text, undefined, 0o644)
    expect(open.events).toEqual(['warn key_file_readable_by_others'])
    await open.poll()
    chmodSync(open.path, 0o600)
    await open.poll()
    chmodSync(open.path, 0o604)
    await open.poll()
    expect(open.events).toEqual(['warn key_file_readable_by_others', 'warn key_file_readable_by_others'])
  })
})

describe('a key file that changes', () => {
  it('is in the ring at the next poll, and logged by fingerprints', async () => {
    const { file, path, events, poll, at, logged } = await followed(a.text)
    writeFileSync(path, `${b.text}\n${a.text}\n`)
    at(5000)
    await poll()
    expect(ringOf(file)).toEqual([b.bytes, a.bytes])
    expect(file.status).toEqual({ path, loadedAtMs: 5000, error: undefined })
    expect(events).toEqual(['info gossip_keys_changed'])
    expect(JSON.parse(logged())).toEqual({
      file: path,
      primary: b.fingerprint,
      keys: `${b.fingerprint},${a.fingerprint}`,
      added: b.fingerprint,
      removed: 'none',
    })
    for (const key of [a, b]) expect(logged()).not.toContain(key.text)
  })

  it('is followed through a link that is swapped, as Kubernetes does', async () => {
    const dir = tempDir()
    for (const [name, key] of Object.entries({ one: a, two: b })) {
      mkdirSync(join(dir, name))
      writeFileSync(join(dir, name, 'keys'), key.text, { mode: 0o600 })
    }
    symlinkSync('one', join(dir, '..data'))
    symlinkSync(join('..data', 'keys'), join(dir, 'keys'))
    const { file, poll } = await followed('', join(dir, 'keys'))
    symlinkSync('two', join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
    await poll()
    expect(ringOf(file)).toEqual([b.bytes])
  })

  it.each<[string, (path: string) => void]>([
    ['malformed', (path) => writeFileSync(path, `${b.text}\nsecret\n`)],
    ['emptied', (path) => writeFileSync(path, '')],
    ['gone', (path) => rmSync(path)],
    [
      'a directory',
      (path) => {
        rmSync(path)
        mkdirSync(path)
      },
    ],
  ])('to be %s leaves the ring as it was, and says so once', async (_name, spoil) => {
    const { file, path, events, poll, logged } = await followed(a.text)
    spoil(path)
    await poll()
    await poll()
    expect(ringOf(file)).toEqual([a.bytes])
    expect(events).toEqual(['warn key_file_not_usable'])
    expect(file.status.error).toContain(path)
    expect(logged()).not.toContain('secret')
    rmSync(path, { recursive: true, force: true })
    writeFileSync(path, a.text, { mode: 0o600 })
    await poll()
    expect(file.status.error).toBeUndefined()
    expect(events.slice(1).filter((event) => event !== 'warn key_file_not_usable')).toEqual([
      'info key_file_usable_again',
    ])
  })

  it('in comments only is taken in without a word', async () => {
    const { path, events, poll } = await followed(a.text)
    writeFileSync(path, `# ours\n${a.text}`)
    await poll()
    expect(events).toEqual([])
  })

  it('after the end is not looked at', async () => {
    const { file, path, poll, events } = await followed(a.text)
    await file.close()
    writeFileSync(path, b.text)
    await poll()
    expect(events).toContain('polled after the end')
  })
})

describe('a change that is asked for', () => {
  it('is in the file and in the ring, with the comments and the mode of the file kept', async () => {
    const { file, path } = await followed(`# ours\n${a.text} # old\n`, undefined, 0o640)
    expect([await file.add(b.text), await file.add(b.text)]).toEqual([true, false])
    expect(ringOf(file)).toEqual([a.bytes, b.bytes])
    await file.use(b.fingerprint.toUpperCase())
    expect(ringOf(file)).toEqual([b.bytes, a.bytes])
    await file.use(b.text)
    await file.remove(a.text)
    expect(ringOf(file)).toEqual([b.bytes])
    expect(readFileSync(path, 'utf8')).toBe(`# ours\n${b.text}\n`)
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(readdirSync(join(path, '..'))).toEqual(['keys'])
  })

  it('is not news to the next poll', async () => {
    const { file, events, poll } = await followed(a.text)
    await file.add(b.text)
    await poll()
    expect(events).toEqual(['info gossip_keys_changed'])
  })

  it('takes place on the file as it is now, not as it was when it was last looked at', async () => {
    const { file, path } = await followed(a.text)
    writeFileSync(path, `${c.text}\n${a.text}\n`)
    await file.add(b.text)
    expect(ringOf(file)).toEqual([c.bytes, a.bytes, b.bytes])
    expect(await codeOf(file.remove(c.fingerprint))).toBe('GOSSIP_KEY_PRIMARY')
  })

  it('goes one after the other, so that none is lost', async () => {
    const { file, path } = await followed(a.text)
    await Promise.all([file.add(b.text), file.add(c.text), file.check(), file.use(c.fingerprint)])
    expect(ringOf(file)).toEqual([c.bytes, a.bytes, b.bytes])
    expect(readFileSync(path, 'utf8')).toBe(`${c.text}\n${a.text}\n${b.text}\n`)
  })

  it.each<[string, (file: KeyFile) => Promise<unknown>]>([
    ['GOSSIP_KEY_PRIMARY', (file) => file.remove(a.fingerprint)],
    ['GOSSIP_KEY_UNKNOWN', (file) => file.remove(b.fingerprint)],
    ['GOSSIP_KEY_UNKNOWN', (file) => file.use(b.text)],
    ['GOSSIP_KEY_INVALID', (file) => file.use('not a key')],
    ['GOSSIP_KEY_INVALID', (file) => file.add('c2hvcnQ=')],
  ])('and is refused as %s changes nothing', async (code, change) => {
    const { file, path, events } = await followed(a.text)
    expect(await codeOf(change(file))).toBe(code)
    expect([readFileSync(path, 'utf8'), ringOf(file), events]).toEqual([a.text, [a.bytes], []])
  })

  it('of a ring that is full is refused by name', async () => {
    const { file } = await followed(Array.from({ length: 8 }, (_, i) => keyOf(i + 1).text).join('\n'))
    expect(await codeOf(file.add(keyOf(99).text))).toBe('GOSSIP_KEYS_TOO_MANY')
  })

  it('is refused while the file is not what it should be', async () => {
    const { file, path } = await followed(a.text)
    writeFileSync(path, 'broken\n')
    expect(await codeOf(file.add(b.text))).toBe('KEY_FILE_MALFORMED')
    rmSync(path)
    expect(await codeOf(file.use(a.text))).toBe('KEY_FILE_UNREADABLE')
    expect(ringOf(file)).toEqual([a.bytes])
  })

  it('changes the file behind a link, and leaves the link', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'real'))
    writeFileSync(join(dir, 'real', 'keys'), a.text, { mode: 0o600 })
    symlinkSync(join('real', 'keys'), join(dir, 'keys'))
    const { file } = await followed('', join(dir, 'keys'))
    await file.add(b.text)
    expect(readFileSync(join(dir, 'real', 'keys'), 'utf8')).toBe(`${a.text}\n${b.text}\n`)
    expect(
      readdirSync(dir, { withFileTypes: true })
        .find(({ name }) => name === 'keys')
        ?.isSymbolicLink(),
    ).toBe(true)
  })

  it('of a file that cannot be written is refused, saying that it is to be changed where it comes from', async () => {
    // Nothing can be created beside it under a name that begins with this one, whoever runs the test.
    const { file, path } = await followed(a.text, join(tempDir(), 'k'.repeat(250)))
    await expect(file.add(b.text)).rejects.toMatchObject({
      code: 'KEY_FILE_UNWRITABLE',
      message: expect.stringMatching(/ENAMETOOLONG.*: change it where it comes from; it is read again/),
    })
    expect([readFileSync(path, 'utf8'), ringOf(file)]).toEqual([a.text, [a.bytes]])
  })
})
