import { afterEach, describe, expect, it } from 'vitest'
import { CliError } from '../../../src/cli/cli-error.ts'
import { ask } from '../../../src/cli/client.ts'
import { planReplicas } from '../../../src/cli/dev-plan.ts'
import { formatTable, shown } from '../../../src/cli/output.ts'
import { isTcpPortFree, isUdpPortFree } from '../../../src/cli/port-check.ts'
import { type TestApp, testApp } from '../../support/http-app.ts'

const open: TestApp[] = []

afterEach(async () => {
  for (const { app } of open.splice(0)) await app.close()
})

async function replica(): Promise<TestApp & { readonly url: string }> {
  const test = testApp()
  open.push(test)
  return { ...test, url: await test.app.listen({ host: '127.0.0.1', port: 0 }) }
}

async function failureOf(promise: Promise<unknown>): Promise<CliError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof CliError) return error
  throw new Error(`not a CliError: ${String(error)}`)
}

describe('asking a replica', () => {
  it.each(['a/b', '__proto__', '🦊 +%41', '..x', '?q#f'])('the key %j arrives as it is', async (key) => {
    const { url, kv } = await replica()
    await ask({ url }, { method: 'PUT', path: ['kv', 'm', key], body: Buffer.from('v') })
    expect(kv.get('m', key)?.key).toBe(key)
  })

  it('what is not there exits with 3, a failed condition with 4, words that cannot be read with 2', async () => {
    const { url } = await replica()
    const path = ['kv', 'm', 'k']
    expect(await failureOf(ask({ url }, { path }))).toMatchObject({
      exitCode: 3,
      lines: ['"m" holds no "k" (KEY_NOT_FOUND)'],
    })
    const headers = { 'if-match': '"old"' }
    expect((await failureOf(ask({ url }, { method: 'PUT', path, headers }))).exitCode).toBe(4)
    expect((await failureOf(ask({ url }, { method: 'PUT', path, query: { ttl: 'x' } }))).exitCode).toBe(2)
  })

  it('control characters of an answer do not reach the terminal', async () => {
    const { url } = await replica()
    const error = await failureOf(ask({ url }, { path: ['kv', 'm', '\u001b[31m'] }))
    expect(error.message).not.toContain('\u001b')
    expect(shown('a\u001b\n\u2028b')).toBe('a\\u001b\\n\\u2028b')
  })
})

describe('the plan of dev', () => {
  it('ports are 100 apart, every replica has all others as peers and a directory of its own', () => {
    const plan = planReplicas({ nodes: 3, dataDir: './data', basePort: 9093, logLevel: 'warn' })
    expect(plan.map(({ httpPort, gossipPort }) => [httpPort, gossipPort])).toEqual([
      [9093, 9094],
      [9193, 9194],
      [9293, 9294],
    ])
    expect(plan.map(({ name, dataDir }) => [name, dataDir])).toEqual([
      ['dev-1', 'data/dev-1'],
      ['dev-2', 'data/dev-2'],
      ['dev-3', 'data/dev-3'],
    ])
    expect(plan[1]?.serveArguments).toContain('--cluster.peer=127.0.0.1:9094')
    expect(plan[1]?.serveArguments).toContain('--cluster.peer=127.0.0.1:9294')
    expect(plan[1]?.serveArguments).not.toContain('--cluster.peer=127.0.0.1:9194')
  })

  it('a port in use is seen for each transport alone', async () => {
    const { app } = await replica()
    const address = app.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    expect(await isTcpPortFree(port)).toBe(false)
    expect(await isUdpPortFree(port)).toBe(true)
  })
})

describe('output', () => {
  it('columns line up and lines have no trailing spaces', () => {
    expect(formatTable(['A', 'LONG'], [['wide cell', 'x']])).toBe('A          LONG\nwide cell  x')
    expect(formatTable(['A', 'B'], [['1', '']])).toBe('A  B\n1')
  })
})
