/**
 * What the shell is told, for every command that asks a replica: the table is read off the tree of commands, so a new
 * command is tested at once. The replica here answers everything with one status.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { buildProgram } from '../../../src/cli/program.ts'
import { cli } from '../../support/cli-run.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Arguments with which a command gets as far as asking; others are `x`. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  'kv put': ['m', 'k', 'v'],
  'silence add': ['a=b', '--comment', 'x'],
  'silence expire': ['5b3ac0f3-0d0f-4c1e-9c52-8b7b9c9d1a11'],
  'keys use': ['0123abcd'],
  'keys remove': ['0123abcd'],
}
/** Which take a file whose content counts. */
const FILES: Readonly<Record<string, string>> = {
  'silence import': '[{"comment":"x"}]',
  'keys add': Buffer.alloc(32, 7).toString('base64'),
}
/** Ask over and over, or judge what they find: tests of their own. */
const OTHERS: ReadonlySet<string> = new Set(['kv watch', 'set watch', 'doctor'])
/** One of many that fails makes an import a failure, whatever its reason. */
const ALWAYS_FAILED: ReadonlySet<string> = new Set(['silence import'])

interface Client {
  readonly path: string
  readonly takes: readonly string[]
}

function clientsOf(command: Command, path: readonly string[]): Client[] {
  const inner = command.commands.flatMap((one) => clientsOf(one, [...path, one.name()]))
  if (!command.options.some(({ long }) => long === '--url')) return inner
  const takes = command.registeredArguments.filter(({ required }) => required).map(() => 'x')
  return [{ path: path.join(' '), takes }, ...inner]
}

const clients = clientsOf(buildProgram([]), []).filter(({ path }) => !OTHERS.has(path))
let status = 200
let problem = 'TEST_CODE'
const server = createServer((request, response) => {
  request.resume()
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ code: problem, detail: 'as the test wants it', status }))
})
let url = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** @param at where to ask */
async function ends(
  { path, takes }: Client,
  at: string,
): Promise<{ readonly code: number; readonly err: string }> {
  const args = [...(ARGUMENTS[path] ?? takes)]
  const content = FILES[path]
  const folder = tempDir()
  if (content !== undefined) {
    args[0] = join(folder, 'in')
    writeFileSync(args[0], content)
  }
  if (path === 'snapshot save') args[0] = join(folder, 'out')
  const { code, out, err } = await cli(...path.split(' '), ...args, '--url', at)
  expect(out).toBe('')
  return { code, err }
}

describe('exit codes', () => {
  it('are tested for what there is', () => {
    expect(clients.length).toBeGreaterThan(20)
    expect(clients.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['kv get', 'silence query', 'status']),
    )
  })

  it.each(clients)('of $path follow what the replica answers', async (client) => {
    const codes: number[] = []
    for (const answer of [404, 412, 409, 400, 500, 503]) {
      status = answer
      const { code, err } = await ends(client, url)
      expect(err).toMatch(/^hearsay: /)
      codes.push(code)
    }
    const expected = [3, 4, 4, 1, 1, 1].map((code) => (ALWAYS_FAILED.has(client.path) ? 1 : code))
    expect(codes).toEqual(expected)
  })

  it.each(['HTTP_QUERY_INVALID', 'DURATION_MALFORMED', 'STORE_KEY_TOO_LARGE'])(
    'are 2 for words that the replica cannot read: %s',
    async (code) => {
      ;[status, problem] = [400, code]
      onTestFinished(() => {
        problem = 'TEST_CODE'
      })
      for (const client of clients.filter(({ path }) => ['kv put', 'set add', 'owner'].includes(path))) {
        expect((await ends(client, url)).code).toBe(2)
      }
    },
  )

  it.each(clients)(
    'of $path are 5 when nobody answers, in one line that says where it asked',
    async (client) => {
      const { code, err } = await ends(client, 'http://127.0.0.1:1')
      expect([code, err.split('\n')[0]]).toEqual([
        5,
        'hearsay: cannot reach a replica at http://127.0.0.1:1: ECONNREFUSED',
      ])
    },
  )

  it.each(clients)('of $path are 2 for an address that is none', async (client) => {
    const { code, err } = await ends(client, 'nowhere')
    expect([code, err]).toEqual([2, expect.stringContaining('--url must be')])
  })

  it('an answer that is no JSON is a failure in one line, without a stack', async () => {
    const other = createServer((_request, response) => response.end('<html>hello</html>'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const at = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const quiet = new Set(['kv get', 'kv delete', 'set add', 'set remove', 'silence expire', 'snapshot save'])
    const wrong: string[] = []
    for (const client of clients.filter(({ path }) => !quiet.has(path))) {
      const { code, err } = await ends(client, at)
      if (code !== 1 || /\n {4}at /.test(err)) wrong.push(`${client.path}: ${code} ${err}`)
    }
    await new Promise((resolve) => other.close(resolve))
    expect(wrong).toEqual([])
  })
})
