/**
 * House rules as tests: who may import whom, what a core may not name, how long a file and a function may be, and that
 * no source file is left without a reader. The import table is the documentation of the rooms (DESIGN.md section 4).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Room -> rooms and packages it may import. A room is the longest prefix that matches; `node:` is its own package. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  'src/crdt': ['src/base'],
  'src/gossip/core': ['src/base'],
  'src/gossip/wire': ['src/base', 'src/gossip/core'],
  'src/gossip/io': ['src/base', 'src/gossip/core', 'src/gossip/wire', 'node:'],
  'src/gossip/memory-transport.ts': ['src/base', 'src/gossip/core', 'src/gossip/io'],
  'src/store/core': ['src/base', 'src/crdt'],
  'src/store/replication': ['src/base', 'src/crdt', 'src/store/core', 'src/gossip/core'],
  'src/store/level-storage.ts': [
    'src/base',
    'src/store',
    'src/store/level-lock.ts',
    'src/store/core',
    'node:',
    'level',
  ],
  'src/store/level-lock.ts': ['src/base', 'level'],
  'src/store': [
    'src/base',
    'src/crdt',
    'src/store/core',
    'src/store/level-storage.ts',
    'src/store/level-lock.ts',
    'node:',
  ],
  'src/alerting/core': ['src/base', 'src/store/core', '@bufbuild/protobuf', 're2js'],
  'src/alerting/notifier': ['src/base', 'src/gossip/core', 'src/alerting/core'],
  'src/alerting': [
    'src/base',
    'src/crdt',
    'src/store',
    'src/store/core',
    'src/store/replication',
    'src/alerting/core',
    'src/gossip/core',
  ],
  'src/http': [
    'src/base',
    'src/store',
    'src/store/core',
    'src/alerting',
    'src/alerting/core',
    'src/alerting/notifier',
    'src/gossip/core',
    'src/gossip/io',
    'node:',
    'pino',
    'msgpackr',
    'fastify',
    '@fastify/rate-limit',
    '@fastify/swagger',
    'typebox',
    '@fastify/type-provider-typebox',
    'prom-client',
  ],
  'src/testing': [
    'src/base',
    'src/crdt',
    'src/gossip/core',
    'src/gossip/wire',
    'src/store/core',
    'src/store/replication',
    'src/alerting/core',
    'src/alerting/notifier',
  ],
  'src/app': [
    'src',
    'node:',
    'bcryptjs',
    'pino',
    'yaml',
    'msgpackr',
    'prom-client',
    'fastify',
    'xxhash-wasm',
  ],
  'src/bench': ['src/base', 'node:', 'fastify', 'level'],
  'src/cli': ['src/bench', 'src/app', 'src/base', 'src/testing', 'node:', 'commander', 'yaml'],
  'src/index.ts': ['src/app', 'src/base', 'src/gossip/core', 'src/gossip/io'],
}

const CORES = [
  'src/base',
  'src/crdt',
  'src/gossip/core',
  'src/gossip/wire',
  'src/store/core',
  'src/store/replication',
  'src/alerting/core',
  'src/alerting/notifier',
]
const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70
const MEDIAN_LINES_MAX = 150

/** Pattern -> what to use instead. */
const BANNED_IN_CORES: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b/, 'take nowMs as an argument'],
  [/\bMath\.random\b/, 'take a Random (base/random.ts)'],
  [/\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/, 'keep a deadline as data'],
  [/\b(process|performance|console)\.\w/, 'report through effects'],
  [/\bawait\b|\basync\b/, 'a core is synchronous'],
  [/\bBuffer\b/, 'use Uint8Array'],
]
/** Looked for in comments too, since that is where they stand. */
const BANNED_PRAGMAS: readonly (readonly [RegExp, string])[] = [
  [/@ts-(ignore|expect-error|nocheck)/, 'fix the type'],
  [/biome-ignore/, 'fix what the rule says'],
]
const BANNED_EVERYWHERE: readonly (readonly [RegExp, string])[] = [
  [/\.sort\(\)/, 'give .sort() a comparator'],
  [/\bMath\.random\b/, 'inject a Random (base/random.ts)'],
  [/: any\b|\bas any\b|<any>/, 'use unknown and narrow'],
  [/^export default/m, 'export a name'],
]

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx)$/.test(entry.name))
    .map((entry) => normalize(join(entry.parentPath, entry.name)))
    .sort((a, b) => (a < b ? -1 : 1))
}

function isGenerated(file: string): boolean {
  return file.endsWith('_pb.ts')
}

/** The code without comments, so that prose may name what code may not. String contents stay. */
function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

function roomOf(path: string): string {
  const rooms = Object.keys(IMPORTS).filter((room) => path === room || path.startsWith(`${room}/`))
  return rooms.reduce((longest, room) => (room.length > longest.length ? room : longest), '')
}

function importsOf(file: string): string[] {
  const text = withoutComments(readFileSync(file, 'utf8'))
  return [
    ...text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)/g),
  ].map((match) => {
    const specifier = match[1] ?? match[2] ?? ''
    return specifier.startsWith('.') ? relative('.', normalize(join(dirname(file), specifier))) : specifier
  })
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node:'
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '')
}

const files = sources('src')
const written = files.filter((file) => !isGenerated(file))

describe('rooms', () => {
  it('import only what the table allows', () => {
    const wrong: string[] = []
    for (const file of files) {
      const room = roomOf(file)
      if (room === '') {
        wrong.push(`${file} belongs to no room`)
        continue
      }
      const allowed = IMPORTS[room] ?? []
      for (const target of importsOf(file)) {
        if (target.startsWith('src/')) {
          const targetRoom = roomOf(target)
          if (targetRoom === room || allowed.includes(targetRoom) || allowed.includes('src')) continue
          wrong.push(`${file} -> ${target}`)
        } else if (!allowed.includes(packageOf(target))) wrong.push(`${file} -> ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('have no file that nothing imports', () => {
    const programs = ['src/cli/main.ts', 'src/bench/stub-server.ts']
    const entries = new Set([
      ...programs,
      'src/index.ts',
      'src/testing/index.ts',
      'src/cli/main.ts',
      'src/base/ambient.d.ts',
    ])
    const imported = new Set([...files, ...sources('test'), ...sources('bench')].flatMap(importsOf))
    expect(files.filter((file) => !entries.has(file) && !imported.has(file))).toEqual([])
  })
})

describe('cores', () => {
  it('name no clock, timer, randomness, process or await', () => {
    const wrong: string[] = []
    for (const file of written) {
      if (!CORES.some((core) => file.startsWith(`${core}/`))) continue
      const code = withoutComments(readFileSync(file, 'utf8')).replace(/'[^'\n]*'/g, "''")
      for (const [pattern, instead] of BANNED_IN_CORES) {
        if (pattern.test(code)) wrong.push(`${file}: ${pattern.source}: ${instead}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

describe('style', () => {
  it('bans what has a better way', () => {
    const wrong: string[] = []
    for (const file of written) {
      const text = readFileSync(file, 'utf8')
      const code = withoutComments(text)
      const found = [
        ...BANNED_EVERYWHERE.filter(([pattern]) => pattern.test(code)),
        ...BANNED_PRAGMAS.filter(([pattern]) => pattern.test(text)),
      ]
      wrong.push(...found.map(([pattern, instead]) => `${file}: ${pattern.source}: ${instead}`))
    }
    expect(wrong).toEqual([])
  })

  it('keeps files short', () => {
    const lengths = written.map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length }))
    expect(lengths.filter(({ lines }) => lines > FILE_LINES_MAX)).toEqual([])
    const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(MEDIAN_LINES_MAX)
  })

  it('keeps functions short', () => {
    const wrong: string[] = []
    for (const file of written) {
      const lines = readFileSync(file, 'utf8').split('\n')
      for (const [start, line] of lines.entries()) {
        const opening =
          /^(\s*)(?:export )?(?:async )?(?:function\b|(?:static |override |readonly )*#?[\w$]+(?:<.*>)?\(.*\).*\{$)/.exec(
            line,
          )
        if (opening === null || /^\s*(if|for|while|switch|return|expect|describe|it)\b/.test(line)) continue
        const indent = opening[1] ?? ''
        const end = lines.findIndex(
          (other, index) => index > start && (other === `${indent}}` || other === `${indent}})`),
        )
        if (end - start > FUNCTION_LINES_MAX) wrong.push(`${file}:${start + 1}: ${end - start} lines`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('opens every module with what it is for', () => {
    const wrong = written.filter((file) => !/^(#![^\n]*\n)?\/\*\*/.test(readFileSync(file, 'utf8')))
    expect(wrong).toEqual([])
  })
})
