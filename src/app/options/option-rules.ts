/**
 * Rules across options: what each value says alone is fine, together they are not, or not safe.
 *
 * Secure by default: a listener that strangers can reach must be protected, or opened in so many words. The refusals say
 * which flag to add and what it means.
 */
import { BlockList, isIP } from 'node:net'
import { formatHostPort, parseHostPort } from '../../base/host-port.ts'
import { authenticates, type WebSettings } from '../web-config/web-settings.ts'
import type { ServeOptions } from './serve-options.ts'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

const VERIFY_OPTIONS = ['cluster.verify-incoming', 'cluster.verify-outgoing'] as const

/** Whether only this machine can reach a listener on `host`. A name other than localhost counts as reachable. */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  return LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * @param web what the file of `--web.config.file` says, if there is one
 * @returns every broken rule as one line; empty when all hold
 */
export function brokenRules(options: ServeOptions, web: WebSettings | undefined): readonly string[] {
  return [...webRules(options), ...exposureRules(options, web), ...clusterRules(options)]
}

/** @returns what has no effect beside the other options though it may look as if it had, or is unwise; one line each */
export function uselessOptions(options: ServeOptions, web: WebSettings | undefined): readonly string[] {
  return [...uselessForWeb(options, web), ...uselessForGossip(options)]
}

/** Whether HTTP must know who asks: strangers can reach it, and nobody has said that they may. */
export function mustAuthenticate(options: ServeOptions): boolean {
  return !isLoopback(parseHostPort(options['web.listen-address']).host) && !options['web.allow-anonymous']
}

function uselessForWeb(options: ServeOptions, web: WebSettings | undefined): readonly string[] {
  const address = options['web.listen-address']
  const isOpen = !isLoopback(parseHostPort(address).host)
  const isPlain = web !== undefined && web.users.size > 0 && web.tls === undefined
  return [
    ...(web?.warnings ?? []),
    ...(isOpen && isPlain
      ? [`passwords cross the network in clear text to ${address}: add tls_server_config to the web config`]
      : []),
    ...(options['web.allow-anonymous'] && web !== undefined && authenticates(web)
      ? ['--web.allow-anonymous has no effect: the web config says who may come in; leave it out']
      : []),
  ]
}

function uselessForGossip(options: ServeOptions): readonly string[] {
  if (options['cluster.key-file'] === undefined) {
    return VERIFY_OPTIONS.filter((name) => !options[name]).map(
      (name) => `--no-${name} has no effect without a --cluster.key-file: all gossip is plaintext`,
    )
  }
  if (!options['cluster.allow-plaintext'] || VERIFY_OPTIONS.some((name) => !options[name])) return []
  return [
    '--cluster.allow-plaintext has no effect beside a --cluster.key-file: gossip is encrypted, and plaintext is refused; ' +
      'leave it out',
  ]
}

function* webRules(options: ServeOptions): Iterable<string> {
  const externalUrl = options['web.external-url']
  if (externalUrl !== undefined && !isHttpUrl(externalUrl)) {
    yield `--web.external-url must be an http or https URL without query or fragment, not ${JSON.stringify(externalUrl)}`
  }
  const prefix = options['web.route-prefix']
  if (prefix !== undefined && !/^\/(?:[\w.~-]+\/?)*$/.test(prefix)) {
    yield `--web.route-prefix must be a path such as /hearsay, not ${JSON.stringify(prefix)}`
  }
}

function* exposureRules(options: ServeOptions, web: WebSettings | undefined): Iterable<string> {
  if (mustAuthenticate(options) && (web === undefined || !authenticates(web))) {
    const address = formatHostPort(parseHostPort(options['web.listen-address']))
    const doors = 'basic_auth_users, or client_auth_type: RequireAndVerifyClientCert'
    yield `--web.listen-address ${address} would let anybody who reaches it read and write: ` +
      `${web === undefined ? `add a --web.config.file with ${doors}` : `add ${doors} to the web config`}, ` +
      'or listen on a loopback address, or add --web.allow-anonymous to accept that'
  }
  const gossip = options['cluster.listen-address']
  if (gossip === '') return
  const { host, port } = parseHostPort(gossip)
  const open = openness(options)
  if (isLoopback(host) || options['cluster.allow-plaintext'] || open === undefined) return
  yield `--cluster.listen-address ${formatHostPort({ host, port })} would ${open}, ` +
    'or listen on a loopback address, or add --cluster.allow-plaintext to accept that ' +
    '(joining an Alertmanager cluster needs it: those have no gossip key)'
}

/** What gossip does that others may read or write, and what prevents it; undefined when nothing of it is plaintext. */
function openness(options: ServeOptions): string | undefined {
  if (options['cluster.key-file'] === undefined) {
    return 'gossip unencrypted with anybody who reaches it: add a --cluster.key-file (hearsay keys generate makes one)'
  }
  const off = VERIFY_OPTIONS.filter((name) => !options[name])
  if (off.length === 0) return undefined
  const does = off.map((name) => (name === 'cluster.verify-incoming' ? 'take' : 'send')).join(' and ')
  const flags = off.map((name) => `--no-${name}`).join(' and ')
  return `${does} unencrypted gossip, whatever is in the key file: leave out ${flags}`
}

function* clusterRules(options: ServeOptions): Iterable<string> {
  const gossip = options['cluster.listen-address']
  const advertise = options['cluster.advertise-address']
  if (gossip === '') {
    if (options['cluster.peer'].length > 0)
      yield '--cluster.peer needs a --cluster.listen-address: clustering is off'
    if (advertise !== undefined) yield '--cluster.advertise-address needs a --cluster.listen-address'
    if (options['cluster.key-file'] !== undefined) {
      yield '--cluster.key-file needs a --cluster.listen-address: clustering is off'
    }
    return
  }
  if (gossip === options['web.listen-address'] && parseHostPort(gossip).port !== 0) {
    yield `--cluster.listen-address and --web.listen-address are both ${gossip}: each needs a port of its own`
  }
  if (advertise !== undefined && !isDialable(advertise)) {
    yield `--cluster.advertise-address must be an IP address and port that peers can dial, not ${advertise}`
  }
  if (options['cluster.probe-timeout'] >= options['cluster.probe-interval']) {
    yield '--cluster.probe-timeout must be shorter than --cluster.probe-interval'
  }
  if (options['cluster.key-file'] === '') yield '--cluster.key-file must not be empty'
  if (options['cluster.peer-name'] === '') yield '--cluster.peer-name must not be empty'
}

function isDialable(address: string): boolean {
  const { host, port } = parseHostPort(address)
  return isIP(host) !== 0 && host !== '0.0.0.0' && host !== '::' && port !== 0
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.search === '' && url.hash === ''
}
