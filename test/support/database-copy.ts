/**
 * A database held in memory, to be laid out again with one thing changed, thousands of times. In /dev/shm where there is
 * one: a disk would spend all the time syncing.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export type DatabaseFiles = ReadonlyMap<string, Uint8Array>

export function readDatabase(path: string): DatabaseFiles {
  const names = readdirSync(path).filter((name) => name !== 'LOCK' && !name.startsWith('LOG'))
  return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(path, name)))]))
}

/** The only file whose name matches. */
export function fileLike(files: DatabaseFiles, pattern: RegExp): readonly [name: string, bytes: Uint8Array] {
  const found = [...files].filter(([name]) => pattern.test(name))
  const [only] = found
  if (only === undefined || found.length > 1) throw new Error(`${found.length} files like ${pattern}`)
  return only
}

/** A directory of one's own in memory, removed with the test. */
export function scratchDir(): string {
  const path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hearsay-scratch-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Replaces what is at `path` by `files`, with `changes` instead of those of the same name; undefined leaves one out. */
export function layDatabase(
  path: string,
  files: DatabaseFiles,
  changes: ReadonlyMap<string, Uint8Array | undefined> = new Map(),
): void {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  for (const [name, bytes] of files) {
    const changed = changes.has(name) ? changes.get(name) : bytes
    if (changed !== undefined) writeFileSync(join(path, name), changed)
  }
}

/** One bit of the byte at `at` turned over: which one depends on the place. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const spoilt = bytes.slice()
  spoilt[at] = (spoilt[at] ?? 0) ^ (1 << ((at * 5 + (at >> 8)) % 8))
  return spoilt
}

/** All offsets below `length`, or about `count` of them, evenly from one that the seed chooses. */
export function offsets(length: number, count: number, seed: number): readonly number[] {
  const step = Math.max(1, Math.floor(length / count))
  return Array.from(
    { length: Math.ceil((length - (seed % step)) / step) },
    (_, i) => (seed % step) + i * step,
  )
}
