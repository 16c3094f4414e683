/** `hearsay serve --web.config.file` and its clients, as processes: TLS, a user, a password that changes while it runs. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ALERTMANAGER } from '../support/alertmanager.ts'
import { Command } from '../support/command.ts'
import { inCi, requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'
import {
  HASH_OF_OTHER,
  HASH_OF_SECRET,
  TLS_FOLDER,
  TLS_LINES,
  webConfigFolder,
} from '../support/web-config.ts'

const usersWith = (hash: string): string => `${TLS_LINES}basic_auth_users:\n  ana: ${hash}\n`
const CA = join(TLS_FOLDER, 'ca.pem')

async function serving(configPath: string): Promise<{ readonly server: Command; readonly url: string }> {
  const server = new Command([
    'serve',
    `--storage.path=${tempDir()}`,
    '--web.listen-address=127.0.0.1:0',
    '--cluster.listen-address=',
    `--web.config.file=${configPath}`,
  ])
  const [, url = ''] = await server.shows(/serves (https:\S+)/)
  return { server, url }
}

async function client(url: string, password: string, ...args: string[]): Promise<Command> {
  const env = { HEARSAY_URL: url, HEARSAY_USER: 'ana', HEARSAY_PASSWORD: password, HEARSAY_CA_FILE: CA }
  const command = new Command(args, { env })
  await command.ended
  return command
}

describe('serve with a web config', () => {
  it('lets clients in by the password of now, whatever the file becomes, and says neither password', async () => {
    const config = webConfigFolder(usersWith(HASH_OF_SECRET))
    const { server, url } = await serving(config.path)
    expect((await client(url, 'secret', 'kv', 'put', 'm', 'k', 'v')).stdout).toMatch(/^\S+\n$/)
    const refused = await client(url, 'hunter2', 'kv', 'get', 'm', 'k')
    expect(await refused.ended).toMatchObject({ code: 1 })
    expect(refused.stderr).toBe(`hearsay: ${url} does not let this user and password in\n`)

    config.write(usersWith(HASH_OF_OTHER))
    server.signal('SIGHUP')
    await untilAsync(async () => /web_config_changed/.test(server.stderr), 'the new users are taken')
    expect(await (await client(url, 'secret', 'kv', 'get', 'm', 'k')).ended).toMatchObject({ code: 1 })
    expect((await client(url, 'other', 'kv', 'get', 'm', 'k')).stdout).toBe('v')

    config.write(usersWith('hunter3'))
    server.signal('SIGHUP')
    await untilAsync(async () => /level=warn .*web\.yml/.test(server.stderr), 'the broken file is refused')
    expect((await client(url, 'other', 'kv', 'get', 'm', 'k')).stdout).toBe('v')
    expect(`${server.stdout}${server.stderr}`).not.toMatch(/hunter|\bsecret\b|\$2y\$04/)
    server.signal('SIGTERM')
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it('does not start with a file that is wrong: 2, and the line', async () => {
    const { path } = webConfigFolder(`${TLS_LINES}basic_auth_users:\n  ana: hunter2\n`)
    const command = new Command(['serve', `--web.config.file=${path}`])
    expect(await command.ended).toMatchObject({ code: 2 })
    expect(command.stderr).toMatch(
      /^hearsay: \S+web\.yml line 5: basic_auth_users\.ana: expected a bcrypt hash [^\n]+\n$/,
    )
    expect(command.stderr).not.toContain('hunter2')
  })
})

requirement({ ...ALERTMANAGER, isOptional: !inCi })('amtool against a protected replica', () => {
  it('comes in with its own configuration file, and not without', async () => {
    const { url } = await serving(webConfigFolder(usersWith(HASH_OF_SECRET)).path)
    const http = join(tempDir(), 'http.yml')
    const amtool = (password: string): Promise<string> => {
      const basic = `basic_auth: {username: ana, password: ${password}}`
      writeFileSync(http, `${basic}\ntls_config: {ca_file: ${CA}}\n`)
      const args = [`--alertmanager.url=${url}`, `--http.config.file=${http}`, '--author=ana', '--comment=x']
      return new Promise((resolve) => {
        execFile(
          'amtool',
          [...args.slice(0, 2), 'silence', 'add', 'a=b', ...args.slice(2)],
          (_error, out, err) => resolve(out + err),
        )
      })
    }
    expect(await amtool('wrong')).toContain('status 401')
    expect(await amtool('secret')).toMatch(/^[0-9a-f-]{36}\n/)
  })
})
