/** The table of log events against the code: every event that is logged is explained, and none that is not. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LOG_EVENTS } from '../../../src/app/log-events.ts'

const sources = readdirSync('src', { recursive: true, withFileTypes: true })
  .filter((file) => file.name.endsWith('.ts') && !/testing|bench/.test(file.parentPath))
  .map((file) => join(file.parentPath, file.name))
  .filter((path) => !path.endsWith('log-events.ts'))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }))

const EVENT = "['`]([a-z][a-z0-9_]*)['`]"
/** The ways in which the rooms log. */
const LOGGED = [
  // A record for pino, or a field of it.
  new RegExp(`component: '\\w+', event: ${EVENT}`, 'g'),
  // The log of a room.
  new RegExp(`\\b[lL]og(?:\\(\\))?\\??\\.(?:debug|info|warn|error)\\(\\s*${EVENT}`, 'g'),
  // What a machine notes.
  new RegExp(`\\bnote\\(\\s*(?:'(?:debug|info|warn)'|level|\\w+ \\? '\\w+' : '\\w+'),\\s*${EVENT}`, 'g'),
  new RegExp(`[nN]ote\\(\\s*(?!'(?:debug|info|warn)',)${EVENT}`, 'g'),
  new RegExp(`about\\(\\w+, ${EVENT}`, 'g'),
]
/** Composed of a stem and one of a closed set. */
const COMPOSED = [
  ...['alive', 'suspect', 'dead', 'left'].map((liveness) => `member_${liveness}`),
  ...['incompatible', 'malformed'].map((fault) => `alive_version_${fault}`),
  ...['sent', 'skipped', 'failed'].map((outcome) => `notification_${outcome}`),
  'gossip_plaintext',
  'gossip_partly_plaintext',
  'settled',
  'settle_gave_up',
  'message',
]

function eventsOf(text: string): string[] {
  return LOGGED.flatMap((pattern) => [...text.matchAll(pattern)].map(([, event = '']) => event))
}

const logged = sources.flatMap(({ path, text }) => eventsOf(text).map((event) => ({ path, event })))

describe('the table of log events', () => {
  it('has every event that the code logs', () => {
    expect(logged.length).toBeGreaterThan(80)
    expect(logged.filter(({ event }) => !(event in LOG_EVENTS))).toEqual([])
    expect(COMPOSED.filter((event) => !(event in LOG_EVENTS))).toEqual([])
  })

  it('has none that the code does not log', () => {
    const known = new Set([...logged.map(({ event }) => event), ...COMPOSED])
    expect(Object.keys(LOG_EVENTS).filter((event) => !known.has(event))).toEqual([])
  })

  it('has names of one form', () => {
    for (const name of Object.keys(LOG_EVENTS)) expect(name).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/)
  })

  it('is what logs.md shows (npm run build && node scripts/docs.mjs brings it up to date)', () => {
    const page = readFileSync('docs/reference/logs.md', 'utf8')
    for (const [name, { component, level, meaning }] of Object.entries(LOG_EVENTS)) {
      expect(page).toContain(`| \`${name}\` | ${component} | ${level} | ${meaning} |`)
    }
  })
})
