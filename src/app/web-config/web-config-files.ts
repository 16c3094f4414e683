/**
 * The file of `--web.config.file` together with those it names, read and checked as one: what it says holds only if
 * certificate, key and authorities are there and belong together.
 */
import { promises as fs, readFileSync } from 'node:fs'
import { errorCode } from '../../base/errors.ts'
import { OptionsError } from '../options/options-error.ts'
import { type TlsMaterial, tlsMaterial } from './tls-material.ts'
import { parseWebConfig } from './web-config-text.ts'
import type { PemSource, WebSettings } from './web-settings.ts'

/** A larger file is neither a configuration nor a bundle of authorities. */
const FILE_BYTES_MAX = 4 * 1024 * 1024
const READABLE_BY_OTHERS = 0o004

export interface LoadedWebConfig {
  readonly settings: WebSettings
  readonly tls: TlsMaterial | undefined
  /** All that was read; the same as before: nothing has changed. */
  readonly content: string
  /** Files with secrets in them that everybody on this machine may read. */
  readonly exposed: readonly string[]
}

interface Content {
  readonly text: string
  readonly isExposed: boolean
}

/** @throws OptionsError with everything that is wrong */
export async function loadWebConfig(path: string): Promise<LoadedWebConfig> {
  const files = new Map<string, Content>()
  const file = await read(path, `--web.config.file ${path}`)
  const settings = parseWebConfig(path, file.text)
  for (const source of sourcesOf(settings)) {
    if ('path' in source.value) files.set(source.value.path, await read(source.value.path, source.place))
  }
  const tls = materialOf(settings, (name) => files.get(name)?.text ?? '')
  const keyPath =
    settings.tls !== undefined && 'path' in settings.tls.key.value ? settings.tls.key.value.path : ''
  return {
    settings,
    tls,
    content: JSON.stringify([file.text, ...[...files.values()].map(({ text }) => text)]),
    exposed: [
      ...(settings.isSecret && file.isExposed ? [path] : []),
      ...(files.get(keyPath)?.isExposed === true ? [keyPath] : []),
    ],
  }
}

/**
 * The same check before anything is started, at once.
 * @throws OptionsError as above
 */
export function checkWebConfig(path: string): WebSettings {
  const readText = (name: string, place: string): string => {
    try {
      return readFileSync(name, 'utf8')
    } catch (error) {
      throw unreadable(name, place, error)
    }
  }
  const settings = parseWebConfig(path, readText(path, `--web.config.file ${path}`))
  const places = new Map(
    sourcesOf(settings).map(({ value, place }) => ['path' in value ? value.path : '', place]),
  )
  materialOf(settings, (name) => readText(name, places.get(name) ?? ''))
  return settings
}

function materialOf({ tls }: WebSettings, textOf: (path: string) => string): TlsMaterial | undefined {
  if (tls === undefined) return undefined
  return tlsMaterial(tls, ({ value }) => ('path' in value ? textOf(value.path) : value.text))
}

function sourcesOf({ tls }: WebSettings): readonly PemSource[] {
  if (tls === undefined) return []
  return [tls.cert, tls.key, ...(tls.clientCa === undefined ? [] : [tls.clientCa])]
}

async function read(path: string, place: string): Promise<Content> {
  try {
    // Opening a pipe would wait for a writer, so what it is comes first.
    const stat = await fs.stat(path)
    if (!stat.isFile()) throw new OptionsError([`${place}: ${path} is no regular file`])
    if (stat.size > FILE_BYTES_MAX) {
      throw new OptionsError([`${place}: ${path} has more than ${FILE_BYTES_MAX} bytes`])
    }
    return { text: await fs.readFile(path, 'utf8'), isExposed: (stat.mode & READABLE_BY_OTHERS) !== 0 }
  } catch (error) {
    throw unreadable(path, place, error)
  }
}

function unreadable(path: string, place: string, error: unknown): OptionsError {
  if (error instanceof OptionsError) return error
  const reason = errorCode(error) ?? String(error)
  const what = place.includes(path) ? '' : ` ${path}`
  return new OptionsError([`${place}:${what} cannot be read: ${reason}`])
}
