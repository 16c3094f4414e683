/**
 * The package as its users get it: packed, unpacked into a project with nothing beside it but the dependencies it
 * declares, and used from JavaScript, CommonJS and TypeScript. Nothing is fetched: dependencies are links to ours.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { childEnvironment } from '../support/child-environment.ts'
import { DIST } from '../support/dist.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
}
/** A program that does not end by itself is a failure, not a wait. */
const RUN_TIMEOUT_MS = 15_000

interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const folder = mkdtempSync(join(tmpdir(), 'hearsay-pack-'))
const project = join(folder, 'project')
let packed: readonly string[] = []

function link(name: string): void {
  const target = join(project, 'node_modules', name)
  mkdirSync(dirname(target), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules', name), target)
}

beforeAll(() => {
  // From a copy, so that another build than dist/ can be packed, and nothing is built meanwhile.
  const stage = join(folder, 'stage')
  for (const name of ['package.json', ...MANIFEST.files]) {
    cpSync(name === 'dist' ? DIST : join(ROOT, name), join(stage, name), { recursive: true })
  }
  const pack = ['pack', '--ignore-scripts', '--json', `--pack-destination=${folder}`]
  const [report] = JSON.parse(execFileSync('npm', pack, { cwd: stage, encoding: 'utf8', stdio: 'pipe' })) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ]
  packed = report.files.map(({ path }) => path)
  const installed = join(project, 'node_modules', 'hearsay')
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, report.filename), '-C', installed, '--strip-components=1'])
  for (const name of Object.keys(MANIFEST.dependencies)) link(name)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program of the project. */
function run(file: string, text: string): Ran {
  writeFileSync(join(project, file), text)
  const options = {
    cwd: project,
    encoding: 'utf8',
    timeout: RUN_TIMEOUT_MS,
    env: childEnvironment(),
  } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], options)
  return { status, stdout, stderr }
}

function printed(...lines: readonly string[]): Ran {
  return { status: 0, stdout: lines.map((line) => `${line}\n`).join(''), stderr: '' }
}

/** The one TypeScript block of the README. */
function readmeExample(): string {
  const blocks = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
  expect(blocks).toHaveLength(1)
  return blocks[0]?.[1] ?? ''
}

/** What the compiler complains of, in a strict project that checks the declarations of its packages as well. */
function typeErrors(text: string): string {
  writeFileSync(join(project, 'main.mts'), text)
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    noEmit: true,
    skipLibCheck: false,
  }
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.mts'] }))
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  return spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' }).stdout
}

describe('the packed package', () => {
  it('holds the build and the documents, and nothing else', () => {
    const foreign = packed.filter(
      (path) => !/^(dist|docs|deploy)\/|^[A-Z]+(\.md)?$|^package\.json$/.test(path),
    )
    expect(foreign).toEqual([])
    const needed = [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/testing/index.js',
      'dist/cli/main.js',
      'LICENSE',
    ]
    expect(packed).toEqual(expect.arrayContaining(needed))
  })

  it('does nothing on import: the process ends at once, silent, with no handle open and no file made', () => {
    const before = readdirSync(project)
    const watched = [
      'Timeout',
      'Immediate',
      'UDPWrap',
      'TCPSocketWrap',
      'TCPServerWrap',
      'MessagePort',
      'SignalWrap',
    ]
    const ran = run(
      'import.mjs',
      `import 'hearsay'
       import 'hearsay/testing'
       const open = process.getActiveResourcesInfo().filter((name) => ${JSON.stringify(watched)}.includes(name))
       const listeners = process.eventNames().filter((name) => /SIG|uncaught|unhandled/.test(name))
       if (open.length + listeners.length > 0) console.log(open, listeners.map((name) => [name, process.listenerCount(name)]))`,
    )
    expect(ran).toEqual(printed())
    expect(readdirSync(project).filter((name) => !before.includes(name))).toEqual(['import.mjs'])
  })

  it('serves a plain JavaScript program, which ends by itself after close()', () => {
    const ran = run(
      'plain.mjs',
      `import { errorCode, openReplica } from 'hearsay'
       import { simulate } from 'hearsay/testing'
       const memory = await openReplica()
       await memory.map('thresholds').set('api', { cpu: 0.9 })
       console.log(JSON.stringify(memory.map('thresholds').get('api')))
       await memory.close()
       const any = '127.0.0.1:0'
       const whole = await openReplica({ dataDir: 'data', gossip: { listen: any }, http: { listen: any } })
       await whole.set('on-call').add('ana')
       console.log((await fetch(whole.url + '/api/v1/sets/on-call')).status, whole.members().length)
       await openReplica({ dataDir: 'data' }).catch((error) => console.log(errorCode(error)))
       await whole.close()
       console.log(typeof simulate)`,
    )
    expect(ran).toEqual(printed('{"cpu":0.9}', '200 1', 'STORE_LOCKED', 'function'))
  })

  it('can be required by CommonJS', () => {
    const ran = run(
      'required.cjs',
      `const { openReplica } = require('hearsay')
       openReplica().then(async (replica) => {
         await replica.set('on-call').add('ana')
         console.log(replica.set('on-call').members().join(), typeof require('hearsay/testing').simulate)
         await replica.close()
       })`,
    )
    expect(ran).toEqual(printed('ana function'))
  })

  it('type-checks in a strict TypeScript project, the example of the README as it stands', () => {
    link('@types/node')
    const uses = `
      const typed = replica.set<string>('on-call')
      const roles = replica.set<'ana' | 'ben'>('roles')
      const cpu: number | undefined = replica.map<{ cpu: number }>('thresholds').get('api')?.cpu
      await using other = await openReplica({ name: 'other' })
      console.log(cpu, typed.members().map((member) => member.toUpperCase()), roles.has('ana'), other.name)`
    expect(typeErrors(readmeExample() + uses)).toBe('')
    const misuses = `
      await replica.map<{ cpu: number }>('thresholds').set('api', { cpu: 'high' })
      replica.set<'ana' | 'ben'>('roles').has('eve')
      await openReplica({ datadir: './data' })`
    const lines = typeErrors(readmeExample() + misuses)
      .split('\n')
      .filter((line) => line.includes('error TS'))
    expect(lines.map((line) => /TS\d+/.exec(line)?.[0])).toEqual(['TS2322', 'TS2345', 'TS2561'])
  })

  it('has a program that runs', () => {
    const main = join(project, 'node_modules', 'hearsay', 'dist', 'cli', 'main.js')
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--version'], { encoding: 'utf8' })
    expect({ status, stdout, stderr }).toEqual(printed(`hearsay ${MANIFEST.version}`))
  })

  it('needs no install script: the native module that is loaded came prebuilt in its package', () => {
    const level = dirname(createRequire(join(ROOT, 'package.json')).resolve('classic-level/package.json'))
    const builder = createRequire(join(level, 'package.json'))('node-gyp-build') as {
      path(folder: string): string
    }
    expect(builder.path(level)).toMatch(/classic-level\/prebuilds\//)
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<
        Record<string, { readonly hasInstallScript?: boolean; readonly optional?: boolean }>
      >
    }
    const scripted = Object.entries(lock.packages).filter(
      ([, entry]) => entry.hasInstallScript && !entry.optional,
    )
    expect(scripted.map(([path]) => path)).toEqual(['node_modules/classic-level'])
  })
})
