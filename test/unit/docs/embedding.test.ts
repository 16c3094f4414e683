import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const page = readFileSync('docs/reference/embedding.md', 'utf8')
const errors = readFileSync('docs/reference/errors.md', 'utf8')

/** Names declared in an interface or class of the library's sources, private ones left out. */
function membersOf(file: string, declaration: string): readonly string[] {
  const text = readFileSync(`src/app/${file}.ts`, 'utf8')
  const start = text.indexOf(declaration)
  const body = text.slice(start, text.indexOf('\n}\n', start))
  const names = [...body.matchAll(/^ {2}(?:readonly |async |get |\*)*([a-z]\w*)(?=[(<?:])/gm)].map(
    ([, name = '']) => name,
  )
  return [...new Set(names)].filter((name) => name !== 'constructor')
}

describe('docs/reference/embedding.md', () => {
  it.each([
    ['embed-options', 'export interface OpenReplicaOptions'],
    ['embed-options', 'export interface GossipSettings'],
    ['embed-options', 'export interface LimitSettings'],
    ['embedded-replica', 'export class EmbeddedReplica'],
    ['embedded-replica', 'export interface ReplicaMember'],
    ['replica-keys', 'export class ReplicaKeys'],
    ['replica-keys', 'export interface ReplicaKey '],
    ['replica-map', 'export class ReplicaMap'],
    ['replica-set', 'export class ReplicaSet'],
    ['replica-silences', 'export class ReplicaSilences'],
    ['replica-silences', 'export interface SilenceOptions'],
    ['replica-silences', 'export interface SilenceFilter'],
    ['replica-silences', 'export interface ReplicaSilence'],
    ['replica-alerts', 'export class ReplicaAlerts'],
    ['replica-alerts', 'export interface AlertOptions'],
    ['replica-alerts', 'export interface ReplicaAlert '],
    ['notification-options', 'export interface NotificationReceiver'],
    ['notification-options', 'export interface NotificationAlert'],
    ['notification-options', 'export interface DecideOptions'],
    ['notification-options', 'export interface OnceOptions'],
    ['replica-notifications', 'export class ReplicaNotifications'],
    ['replica-notifications', 'export interface SendContext'],
    ['replica-notifications', 'export interface NotificationEntry'],
    ['watch-stream', 'export interface WatchOptions'],
    ['write-options', 'export interface WriteOptions'],
    ['write-options', 'export interface Acknowledged'],
  ])('names every member of %s: %s', (file, declaration) => {
    const names = membersOf(file, declaration)
    expect(names.length).toBeGreaterThan(1)
    const missing = names.filter((name) => !new RegExp(`\`[^\`]*\\b${name}\\b[^\`]*\``).test(page))
    expect(missing).toEqual([])
  })

  it('names no error code that errors.md does not explain', () => {
    const named = page.match(/`[A-Z]+(?:_[A-Z]+)+`/g) ?? []
    expect(named.length).toBeGreaterThan(30)
    expect([...new Set(named)].filter((code) => !errors.includes(`${code}`))).toEqual([])
  })

  it('names every error code that only the library gives', () => {
    const thrown = readdirSync('src/app')
      .filter((file) =>
        /^(embed|option-names|instant|notification-options|receiver-data|replica-(keys|map|set|silences|alerts|notifications)|watch|write-options|plain|tagged|value)/.test(
          file,
        ),
      )
      .flatMap((file) => [
        ...readFileSync(`src/app/${file}`, 'utf8').matchAll(/HearsayError\(\s*'([A-Z_]+)'/g),
      ])
      .map(([, code = '']) => code)
    expect(thrown.length).toBeGreaterThan(5)
    expect([...new Set(thrown)].filter((code) => !page.includes(`\`${code}\``))).toEqual([])
  })

  it('states the bounds as they are in the code', async () => {
    const { WATCH_BYTES_MAX, WATCH_CHANGES_MAX } = await import('../../../src/store/core/watch-log.ts')
    const { WAITING_READERS_MAX } = await import('../../../src/store/watches.ts')
    const { VALUE_DEPTH_MAX, VALUE_PARTS_MAX } = await import('../../../src/app/plain-data.ts')
    const said = [
      `${WATCH_CHANGES_MAX.toLocaleString('en')} changes or ${WATCH_BYTES_MAX / 2 ** 20} MiB`,
      `${WAITING_READERS_MAX.toLocaleString('en')} readers`,
      `${VALUE_DEPTH_MAX} deep`,
      `${VALUE_PARTS_MAX.toLocaleString('en')} parts`,
    ]
    expect(said.filter((text) => !page.includes(text))).toEqual([])
  })
})
