/**
 * The file that gossip keys come from, and the live ring that follows it: the file stays the truth.
 *
 * Its content is read again every 3 s and compared, rather than watched: Kubernetes replaces a mounted secret by swapping
 * a symbolic link, of which watchers of the file hear nothing. What cannot be used (malformed, emptied, gone) changes
 * nothing: the ring keeps its keys, one warning says why, and `status` shows it until the file is right again.
 *
 * A change that is asked for here is made on the file as it is now, written beside it, fsynced and renamed over it, and
 * only then taken into the ring. Reading and changing take turns, and replicas that share the file change it one at a time
 * (file-lock.ts). Who edits it otherwise is not kept off, but looked for before the file is replaced and after. What a crash
 * left beside the file, which holds keys, is removed at the next start. Keys are never logged, their fingerprints are.
 */
import { promises as fs } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import { Keyring } from '../gossip/wire/keyring.ts'
import { type FileAccess, TEMPORARY_FILE, writeAtomically } from '../store/atomic-file.ts'
import { underLock } from './file-lock.ts'
import { findKey, fingerprintOf, parseKey } from './gossip-key.ts'
import {
  KEY_FILE_BYTES_MAX,
  keysOfText,
  textWithKey,
  textWithoutKey,
  textWithPrimary,
} from './key-file-text.ts'
import { type Repeat, repeatUnheld } from './repeat.ts'
import type { RoomLog } from './room-log.ts'

export const KEY_FILE_POLL_MS = 3000
/** Enough to take a stale lock away. */
const SWEEP_WAIT_MS = 20
const READABLE_BY_OTHERS = 0o004
const PERMISSION_BITS = 0o777

export interface KeyFileStatus {
  readonly path: string
  /** When its content was last taken into the ring, wall clock. */
  readonly loadedAtMs: number
  /** Why what it holds now is not in use; undefined when it is. */
  readonly error: string | undefined
}

/** What a file is changed to, from its text and the keys in it. Its text as it was: nothing is written. */
type Edit = (text: string, keys: readonly Uint8Array[]) => string

interface Content extends FileAccess {
  readonly text: string
}

export class KeyFile {
  readonly path: string
  /** What the file held when it last could be read. */
  readonly ring: Keyring = new Keyring()
  readonly #clock: Clock
  #text = ''
  #loadedAtMs = 0
  #error: string | undefined
  #isOpenToOthers = false
  /** Whether nothing is left of those who wrote before. */
  #isSwept = false
  #log: RoomLog | undefined
  /** The last reading or change, which the next one waits for. */
  #turn: Promise<unknown> = Promise.resolve()
  #stopPolling: () => void = () => undefined

  private constructor(path: string, clock: Clock) {
    this.path = path
    this.#clock = clock
  }

  /** @throws HearsayError `KEY_FILE_UNREADABLE`, `KEY_FILE_MALFORMED`, naming file and line and never a key */
  static async open(path: string, clock: Clock): Promise<KeyFile> {
    const file = new KeyFile(path, clock)
    file.#take(await file.#read())
    await file.#sweep()
    return file
  }

  /** Follows the file from now on; once. @param repeat default: a timer that holds no process */
  follow(log: RoomLog, repeat: Repeat = repeatUnheld): void {
    this.#log = log
    this.#warnOfMode()
    this.#stopPolling = repeat(() => this.check(), KEY_FILE_POLL_MS)
  }

  get status(): KeyFileStatus {
    return { path: this.path, loadedAtMs: this.#loadedAtMs, error: this.#error }
  }

  /** Looks at the file now. Never rejects: what is wrong with it is said and kept in `status`. */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#sweep()
      try {
        const content = await this.#read()
        this.#follow(content)
        this.#noteMode(content.mode)
      } catch (error) {
        this.#refuse(error)
      }
    })
  }

  /**
   * Adds a key, as base64, that opens what others encrypt and does not encrypt.
   * @returns false when it was there
   * @throws HearsayError `GOSSIP_KEY_INVALID`, `GOSSIP_KEYS_TOO_MANY`, and those of the file as `use`
   */
  async add(given: string): Promise<boolean> {
    const key = parseKey(given)
    let isNew = false
    await this.#change((text, keys) => {
      const ring = new Keyring(keys)
      isNew = !ring.has(key)
      ring.add(key)
      return isNew ? textWithKey(text, key) : text
    })
    return isNew
  }

  /**
   * Makes a key of the file, by fingerprint or as base64, the one that encrypts.
   * @throws HearsayError `GOSSIP_KEY_UNKNOWN`, `GOSSIP_KEY_INVALID`; `KEY_FILE_UNREADABLE`, `KEY_FILE_MALFORMED` when the
   *   file is not what it should be just now; `KEY_FILE_UNWRITABLE`; `KEY_FILE_CONFLICT` when somebody else changes it at
   *   that moment. Ring and file are as they were then, by our doing
   */
  use(given: string): Promise<void> {
    return this.#change((text, keys) => {
      const key = findKey(keys, given)
      return keys[0] === key ? text : textWithPrimary(this.path, text, key)
    })
  }

  /** Removes a key, which must not be the primary one. @throws HearsayError `GOSSIP_KEY_PRIMARY`, and as `use` */
  remove(given: string): Promise<void> {
    return this.#change((text, keys) => {
      const key = findKey(keys, given)
      new Keyring(keys).remove(key)
      return textWithoutKey(this.path, text, key)
    })
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#stopPolling()
    await this.#turn
  }

  #change(edit: Edit): Promise<void> {
    return this.#inTurn(async () => {
      // As it is, when nothing is to be written: then nobody needs to be kept off, nor may be where nothing can be written.
      const before = await this.#read()
      if (edit(before.text, keysOfText(this.path, before.text)) === before.text) return this.#follow(before)
      const done = await this.#locked(async (real) => {
        const content = await this.#read()
        const text = edit(content.text, keysOfText(this.path, content.text))
        if (text !== content.text) await this.#write(real, text, content)
        this.#follow({ ...content, text })
      })
      if (done === undefined) throw this.#conflict('another process holds its lock')
    })
  }

  #follow(content: Content): void {
    if (content.text !== this.#text || this.#error !== undefined) this.#take(content)
  }

  #conflict(reason: string): HearsayError {
    return new HearsayError(
      'KEY_FILE_CONFLICT',
      `somebody else changes the key file ${this.path} just now (${reason}): look at it and ask again`,
    )
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run)
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** @throws HearsayError `KEY_FILE_MALFORMED`; ring and status are as they were then */
  #take({ text, mode }: Content): void {
    const before = this.ring.keys.map(fingerprintOf)
    this.ring.replace(keysOfText(this.path, text))
    this.#text = text
    this.#loadedAtMs = this.#clock.wallMs()
    if (this.#error !== undefined) this.#log?.info('key_file_usable_again', { file: this.path })
    this.#error = undefined
    this.#noteMode(mode)
    const after = this.ring.keys.map(fingerprintOf)
    if (before.join() === after.join()) return
    this.#log?.info('gossip_keys_changed', {
      file: this.path,
      primary: after[0] ?? '',
      keys: after.join(),
      added: after.filter((one) => !before.includes(one)).join() || 'none',
      removed: before.filter((one) => !after.includes(one)).join() || 'none',
    })
  }

  #refuse(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    if (reason === this.#error) return
    this.#error = reason
    this.#log?.warn('key_file_not_usable', { file: this.path, reason, kept: this.ring.keys.length })
  }

  #noteMode(mode: number): void {
    const isOpen = (mode & READABLE_BY_OTHERS) !== 0
    if (isOpen === this.#isOpenToOthers) return
    this.#isOpenToOthers = isOpen
    this.#warnOfMode()
  }

  #warnOfMode(): void {
    if (!this.#isOpenToOthers) return
    this.#log?.warn('key_file_readable_by_others', { file: this.path, advice: `chmod 600 ${this.path}` })
  }

  /** @throws HearsayError `KEY_FILE_UNREADABLE`, `KEY_FILE_MALFORMED` when it is too large */
  async #read(): Promise<Content> {
    try {
      // Opening a pipe would wait for a writer, so what it is comes first.
      const { mode, size, uid, gid } = await fs.stat(this.path).then((stat) => {
        if (stat.isFile()) return stat
        throw new HearsayError('KEY_FILE_UNREADABLE', `${this.path} is no regular file`)
      })
      if (size > KEY_FILE_BYTES_MAX) {
        throw new HearsayError(
          'KEY_FILE_MALFORMED',
          `${this.path} has more than ${KEY_FILE_BYTES_MAX} bytes: that is no key file`,
        )
      }
      return { text: await fs.readFile(this.path, 'utf8'), mode: mode & PERMISSION_BITS, uid, gid }
    } catch (cause) {
      if (cause instanceof HearsayError) throw cause
      const reason = errorCode(cause) ?? String(cause)
      throw new HearsayError('KEY_FILE_UNREADABLE', `cannot read the key file ${this.path}: ${reason}`, {
        cause,
      })
    }
  }

  /** @throws HearsayError `KEY_FILE_UNWRITABLE`, and what `run` throws */
  async #locked(run: (real: string) => Promise<void>): Promise<object | undefined> {
    try {
      // Through links, so that the file changes and not what points to it.
      const real = await fs.realpath(this.path)
      return await underLock(
        real,
        () => this.#clock.wallMs(),
        () => run(real),
      )
    } catch (cause) {
      if (cause instanceof HearsayError) throw cause
      const reason = errorCode(cause) ?? String(cause)
      throw new HearsayError(
        'KEY_FILE_UNWRITABLE',
        `cannot write the key file ${this.path} (${reason}): change it where it comes from; ` +
          `it is read again within ${KEY_FILE_POLL_MS / 1000} s`,
        { cause },
      )
    }
  }

  /** @throws HearsayError `KEY_FILE_CONFLICT`; or the system's error, the file untouched */
  async #write(real: string, text: string, before: Content): Promise<void> {
    let failure: unknown
    await writeAtomically(real, text, before, async () => {
      if ((await this.#read()).text !== before.text) throw this.#conflict('it is not what it was')
    }).catch((error: unknown) => {
      failure = error
    })
    if (failure instanceof HearsayError) throw failure
    const isThere = (await this.#read()).text === text
    if (failure === undefined && !isThere) throw this.#conflict('it was replaced right after our change')
    if (failure === undefined) return
    if (!isThere) throw failure
    const reason = errorCode(failure) ?? String(failure)
    this.#log?.warn('key_file_not_synced', { file: this.path, reason, risk: 'undone by a loss of power' })
  }

  /** Removes the temporary files of those who died; nobody writes under the lock. Later, while another holds it. */
  async #sweep(): Promise<void> {
    if (this.#isSwept) return
    try {
      const real = await fs.realpath(this.path)
      const isClean = (await leftoversOf(real)).length === 0
      const wallMs = (): number => this.#clock.wallMs()
      this.#isSwept =
        isClean || (await underLock(real, wallMs, () => sweep(real), SWEEP_WAIT_MS)) !== undefined
    } catch {
      // Where we may not write, nobody of ours has.
      this.#isSwept = true
    }
  }
}

async function leftoversOf(path: string): Promise<readonly string[]> {
  const names = await fs.readdir(dirname(path))
  return names.filter(
    (name) => TEMPORARY_FILE.test(name) && name.replace(TEMPORARY_FILE, '') === basename(path),
  )
}

async function sweep(path: string): Promise<void> {
  for (const name of await leftoversOf(path)) await fs.rm(join(dirname(path), name), { force: true })
}
