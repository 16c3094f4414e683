/** A folder with a web config in it, and the certificates of test/support/tls: two authorities, and whom they signed. */
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from './temp-dir.ts'

export const TLS_FOLDER: string = join(import.meta.dirname, 'tls')

/** Of the password `secret`; bcrypt at a cost of 4 takes a millisecond. */
export const HASH_OF_SECRET: string = '$2y$04$juoSHBgEPkwmcHiiwF6C.eHAUsxyhnmROUomDKqClYrgi7/Ah71Sa'

/** Of the password `other`. */
export const HASH_OF_OTHER: string = '$2y$04$x9ufPZ526NgQjZfUJwVA.OD8iQQyeT19C.B9hjNW9J/fH.wnz.s9C'

export type Party = 'ca' | 'other-ca' | 'server' | 'server-2' | 'client' | 'stranger'

export function pem(party: Party): string {
  return readFileSync(join(TLS_FOLDER, `${party}.pem`), 'utf8')
}

export function pemKey(party: Exclude<Party, 'ca' | 'other-ca'>): string {
  return readFileSync(join(TLS_FOLDER, `${party}.key`), 'utf8')
}

export interface WebConfigFolder {
  readonly folder: string
  /** Of the web config. */
  readonly path: string
  write(text: string): void
  /** Makes `server.pem` and `server.key` those of this party. */
  certify(party: 'server' | 'server-2'): void
}

export const TLS_LINES: string = 'tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n'

export function basicAuth(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

export function webConfigFolder(text: string): WebConfigFolder {
  const folder = tempDir()
  const path = join(folder, 'web.yml')
  const place = (party: Party, name: string): void => {
    copyFileSync(join(TLS_FOLDER, `${party}.pem`), join(folder, `${name}.pem`))
    if (party === 'ca' || party === 'other-ca') return
    copyFileSync(join(TLS_FOLDER, `${party}.key`), join(folder, `${name}.key`))
    chmodSync(join(folder, `${name}.key`), 0o600)
  }
  place('server', 'server')
  place('ca', 'ca')
  place('other-ca', 'other-ca')
  writeFileSync(path, text, { mode: 0o600 })
  return {
    folder,
    path,
    write: (next) => writeFileSync(path, next),
    certify: (party) => place(party, 'server'),
  }
}
