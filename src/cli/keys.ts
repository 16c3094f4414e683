/**
 * `hearsay keys`: gossip encryption keys of one replica, while it runs.
 *
 * A key is read from a file or standard input and never taken as an argument, which any user of the machine sees in `ps`
 * and the shell keeps in its history. Which key is meant can be told by its fingerprint, which is no secret.
 */
import { promises as fs } from 'node:fs'
import { type Command, Option } from 'commander'
import { fingerprintOf, generateKey, holdsKey, isFingerprint, keyText } from '../app/gossip-key.ts'
import { KEY_FILE_BYTES_MAX, keysOfText } from '../app/key-file-text.ts'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { addUrlFlag, ask, type ClientFlags, type ClientRequest } from './client.ts'
import { EXIT } from './exit-codes.ts'
import { jsonAnswer } from './json-answer.ts'
import { formatTable, print, printJson, shown } from './output.ts'
import { addOutputFlag, type OutputFlags } from './output-flag.ts'
import { standardInput } from './standard-input.ts'

const KEY_BYTES = ['16', '24', '32']
const SOURCE_HELP = 'A file that holds the key; - for standard input'
const WHICH_HELP = 'A fingerprint of 8 hex digits, or a file that holds the key; - for standard input'

const AFTER = `
Rotation, each step on every replica before the next begins:
  (umask 077; hearsay keys generate > new.key)    # once
  hearsay keys add new.key --url=http://…         # all can read it
  hearsay keys use new.key --url=http://…         # all write with it
  hearsay keys remove OLD-FINGERPRINT --url=http://…

Keys are not taken as arguments: those show in ps and in the shell's history.`

type KeysFlags = ClientFlags & OutputFlags

interface GenerateFlags extends OutputFlags {
  readonly bytes: string
}

interface KeysAnswer {
  readonly keys: readonly {
    readonly fingerprint: string
    readonly bytes: number
    readonly primary: boolean
  }[]
  readonly verifyIncoming: boolean
  readonly verifyOutgoing: boolean
  readonly file?: string
  readonly loadedAt?: string
  readonly error?: string
}

export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('Show and rotate the gossip encryption keys of a replica.')
    .addHelpText('after', AFTER)
  addOutputFlag(keys.command('generate').description('Print a new random key; no replica is asked.'))
    .addOption(new Option('--bytes <N>', 'How long it is').choices(KEY_BYTES).default('32'))
    .action(generate)
  addFlags(keys.command('add').description('Add a key that opens and does not encrypt yet.'))
    .argument('[file]', SOURCE_HELP, '-')
    .action(async (source: string, flags: KeysFlags) => {
      const key = keyText(await keyOf(source))
      await change(flags, { method: 'POST', path: ['cluster', 'keys'], ...jsonBody({ key }) })
    })
  addFlags(keys.command('use').description('Encrypt with this key, which was added before.'))
    .argument('<key>', WHICH_HELP)
    .action(async (which: string, flags: KeysFlags) => {
      const fingerprint = await fingerprintFrom(which)
      await change(flags, {
        method: 'PUT',
        path: ['cluster', 'keys', 'primary'],
        ...jsonBody({ fingerprint }),
      })
    })
  addFlags(keys.command('remove').description('Remove a key that is not the one in use.'))
    .argument('<key>', WHICH_HELP)
    .action(async (which: string, flags: KeysFlags) => {
      await change(flags, { method: 'DELETE', path: ['cluster', 'keys', await fingerprintFrom(which)] })
    })
  addFlags(keys.command('list').description('Print the keys by their fingerprints.')).action(
    async (flags: KeysFlags) => {
      await change(flags, { path: ['cluster', 'keys'] })
    },
  )
}

function addFlags(command: Command): Command {
  return addOutputFlag(addUrlFlag(command))
}

function generate({ bytes, output }: GenerateFlags): void {
  const key = generateKey(Number(bytes))
  const [text, fingerprint] = [keyText(key), fingerprintOf(key)]
  if (output === 'json') printJson({ key: text, fingerprint, bytes: key.length })
  else print(text)
}

/** Asks, and prints the keys as they are then. */
async function change(flags: KeysFlags, request: ClientRequest): Promise<void> {
  const answer = await jsonAnswer<KeysAnswer>(await ask(flags, request))
  if (flags.output === 'json') printJson(answer)
  else print(keysText(answer))
}

function keysText(answer: KeysAnswer): string {
  const rows = answer.keys.map(({ fingerprint, bytes, primary }) => [
    fingerprint,
    String(bytes),
    primary ? 'primary' : '',
  ])
  const off = [
    ...(answer.verifyIncoming ? [] : ['plaintext of others is taken (verify-incoming is off)']),
    ...(answer.verifyOutgoing ? [] : ['plaintext is sent (verify-outgoing is off)']),
  ]
  return [
    formatTable(['FINGERPRINT', 'BYTES', ''], rows),
    ...off,
    ...(answer.file === undefined ? [] : [`from ${shown(answer.file)}, read at ${answer.loadedAt}`]),
    ...(answer.error === undefined ? [] : [`not in use: ${shown(answer.error)}`]),
  ].join('\n')
}

function jsonBody(value: unknown): Pick<ClientRequest, 'headers' | 'body'> {
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) }
}

async function fingerprintFrom(which: string): Promise<string> {
  return isFingerprint(which) ? which : fingerprintOf(await keyOf(which))
}

/** @param source a path, or `-` */
async function keyOf(source: string): Promise<Uint8Array> {
  if (holdsKey(source)) {
    throw new CliError(
      EXIT.usage,
      'a key is not taken as an argument, where ps shows it: use a file, or - for standard input',
    )
  }
  const name = source === '-' ? 'standard input' : source
  const text = new TextDecoder().decode(source === '-' ? await standardInput() : await contentOf(source))
  const keys = checked(() => keysOfText(name, text))
  const [key] = keys
  if (key !== undefined && keys.length === 1) return key
  throw new CliError(EXIT.usage, `${name} holds ${keys.length} keys, and one is expected`)
}

async function contentOf(path: string): Promise<Uint8Array> {
  try {
    const { size } = await fs.stat(path)
    if (size <= KEY_FILE_BYTES_MAX) return await fs.readFile(path)
  } catch (error) {
    const code = errorCode(error) ?? String(error)
    throw new CliError(code === 'ENOENT' ? EXIT.notFound : EXIT.failed, `cannot read ${shown(path)}: ${code}`)
  }
  throw new CliError(
    EXIT.failed,
    `${shown(path)} has more than ${KEY_FILE_BYTES_MAX} bytes: that is no key file`,
  )
}

function checked<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new CliError(EXIT.failed, error instanceof Error ? error.message : String(error))
  }
}
