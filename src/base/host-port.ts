/**
 * `host:port` as the flags of this field write it: `127.0.0.1:9093`, `[::1]:9094`, `:9094` (every interface), `am-0:9094`.
 *
 * Only the form is checked. Names are not looked up, and an IPv6 host must stand in brackets.
 */
import { HearsayError } from './errors.ts'

export interface HostPort {
  /** Without brackets; empty means every interface. */
  readonly host: string
  readonly port: number
}

const FORM = /^(?:\[([0-9A-Fa-f:.%a-z]*)\]|([^:[\]\s/]*)):(\d{1,5})$/

/** @throws HearsayError `ADDRESS_MALFORMED`, naming the text */
export function parseHostPort(text: string): HostPort {
  const match = FORM.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new HearsayError(
      'ADDRESS_MALFORMED',
      `not an address such as 127.0.0.1:9093, [::1]:9093 or :9093: ${JSON.stringify(text)}`,
    )
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

/** The inverse of `parseHostPort`: IPv6 hosts get their brackets back. */
export function formatHostPort(address: HostPort): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}
