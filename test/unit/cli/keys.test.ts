import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Encryption } from '../../../src/app/encryption.ts'
import { fingerprintOf, parseKey } from '../../../src/app/gossip-key.ts'
import { KeyFile } from '../../../src/app/key-file.ts'
import { CliError } from '../../../src/cli/cli-error.ts'
import { registerKeys } from '../../../src/cli/keys.ts'
import { keyOf } from '../../support/gossip-keys.ts'
import { NOW_MS, testApp } from '../../support/http-app.ts'
import { tempDir } from '../../support/temp-dir.ts'

const [a, b] = [keyOf(1), keyOf(2, 24)]
const READ_AT = new Date(NOW_MS).toISOString()

interface Served {
  readonly url: string
  readonly path: string
  readonly file: KeyFile | undefined
}

/** A replica's HTTP over a key file that holds `a`, or over none. */
async function served({ keyed = true, verifyOutgoing = true } = {}): Promise<Served> {
  const path = keyFile(a.text)
  const file = keyed ? await KeyFile.open(path, { wallMs: () => NOW_MS, monotonicMs: () => 0 }) : undefined
  const origin = file === undefined ? {} : { file }
  const encryption = new Encryption({ ring: file?.ring, verifyIncoming: true, verifyOutgoing, ...origin })
  const { app } = testApp({ gossipKeys: encryption })
  onTestFinished(() => app.close())
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), path, file }
}

function keyFile(text: string): string {
  const path = join(tempDir(), 'keys')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** Runs `hearsay keys` in this process. @returns what it printed */
async function keys(...args: readonly string[]): Promise<string> {
  const program = new Command('hearsay').exitOverride()
  registerKeys(program)
  let printed = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  try {
    await program.parseAsync(['node', 'hearsay', 'keys', ...args])
  } finally {
    spy.mockRestore()
  }
  return printed
}

async function failureOf(...args: readonly string[]): Promise<CliError> {
  const error = await keys(...args).catch((reason: unknown) => reason)
  if (error instanceof CliError) return error
  throw new Error(`not a CliError: ${String(error)}`)
}

describe('keys generate', () => {
  it.each([[], ['--bytes=16'], ['--bytes=24']])('%j prints a key that a key file takes', async (...flags) => {
    const [one, other] = [await keys('generate', ...flags), await keys('generate', ...flags)]
    const bytes = Number(flags[0]?.slice(-2) ?? 32)
    expect(parseKey(one.trim())).toHaveLength(bytes)
    expect(one).not.toBe(other)
  })

  it('prints it with its fingerprint for programs', async () => {
    const { key, fingerprint, bytes } = JSON.parse(await keys('generate', '-o', 'json'))
    expect([fingerprint, bytes]).toEqual([fingerprintOf(parseKey(key)), 32])
  })
})

describe('keys of a replica', () => {
  it('are added from a file, used and removed, and each command prints them as they are then', async () => {
    const { url, path, file } = await served()
    const source = keyFile(`# new\n${b.text}\n`)
    expect(await keys('add', source, '--url', url)).toBe(
      `FINGERPRINT  BYTES\n${a.fingerprint}     32     primary\n${b.fingerprint}     24\nfrom ${path}, read at ${READ_AT}\n`,
    )
    await keys('use', source, '--url', url)
    expect(file?.ring.keys).toEqual([b.bytes, a.bytes])
    const answer = JSON.parse(await keys('remove', a.fingerprint, '--url', url, '-o', 'json'))
    expect(answer).toEqual({
      keys: [{ fingerprint: b.fingerprint, bytes: 24, primary: true }],
      verifyIncoming: true,
      verifyOutgoing: true,
      file: path,
      loadedAt: READ_AT,
    })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('are listed with what is wrong: plaintext that is sent, a file that cannot be used', async () => {
    const { url, path, file } = await served({ verifyOutgoing: false })
    writeFileSync(path, 'broken')
    await file?.check()
    const lines = (await keys('list', '--url', url)).split('\n')
    expect(lines[2]).toBe('plaintext is sent (verify-outgoing is off)')
    expect(lines[4]).toContain(`not in use: ${path} line 1: a key is base64`)
  })

  it.each<[number, string, (served: Served) => readonly string[]]>([
    [4, 'GOSSIP_KEY_PRIMARY', () => ['remove', a.fingerprint]],
    [3, 'GOSSIP_KEY_UNKNOWN', () => ['use', b.fingerprint]],
    [3, 'GOSSIP_KEY_UNKNOWN', () => ['remove', b.fingerprint]],
    [3, 'cannot read /nonexistent/key: ENOENT', () => ['add', '/nonexistent/key']],
    [1, 'line 1: a key is base64', () => ['add', keyFile('my secret')]],
    [2, 'holds 2 keys, and one is expected', () => ['use', keyFile(`${a.text}\n${b.text}\n`)]],
    [2, 'a key is not taken as an argument', () => ['add', b.text]],
    [2, 'a key is not taken as an argument', () => ['remove', a.text.slice(4)]],
  ])('that are not changed exit with %i: %s', async (exitCode, said, args) => {
    const replica = await served()
    const failure = await failureOf(...args(replica), '--url', replica.url)
    expect([failure.exitCode, failure.message]).toEqual([exitCode, expect.stringContaining(said)])
    for (const secret of [a.text, b.text, a.text.slice(4), 'my secret']) {
      expect(failure.message).not.toContain(secret)
    }
    expect(replica.file?.ring.keys).toEqual([a.bytes])
  })

  it('that has none exits with 3', async () => {
    const { url } = await served({ keyed: false })
    const failure = await failureOf('list', '--url', url)
    expect([failure.exitCode, failure.message]).toEqual([3, expect.stringContaining('GOSSIP_NOT_ENCRYPTED')])
  })
})
