/** Plaintext gossip that others can reach is told of, in words that fit why it is so; loopback is not. */
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { Encryption } from '../../../src/app/encryption.ts'
import { type GossipProtection, plaintextGossip } from '../../../src/app/plaintext-gossip.ts'
import { Replica } from '../../../src/app/replica.ts'
import { openWeb } from '../../../src/app/web.ts'
import { Keyring } from '../../../src/gossip/wire/keyring.ts'
import { keyOf } from '../../support/gossip-keys.ts'

const ring = new Keyring([keyOf(1).bytes])
const NO_KEYS: GossipProtection = { ring: undefined, verifyIncoming: true, verifyOutgoing: true }

it.each<[string, GossipProtection, RegExp | undefined]>([
  ['10.0.0.1:9094', NO_KEYS, /^gossip_plaintext gossip on 10\.0\.0\.1:9094 is plaintext: .*Alertmanager/],
  ['[fd00::1]:9094', { ...NO_KEYS, ring: new Keyring([]) }, /^gossip_plaintext gossip on \[fd00::1\]:9094 /],
  [
    ':9094',
    { ring, verifyIncoming: false, verifyOutgoing: false },
    /^gossip_partly.* sent in plaintext.* taken.*-outgoing/,
  ],
  [
    ':9094',
    { ring, verifyIncoming: true, verifyOutgoing: false },
    /^gossip_partly.* sent in plaintext.*-outgoing/,
  ],
  [
    ':9094',
    { ring, verifyIncoming: false, verifyOutgoing: true },
    /^gossip_partly.*encrypted, and plaintext.*-incoming/,
  ],
  [':9094', { ring, verifyIncoming: true, verifyOutgoing: true }, undefined],
  ['127.0.0.1:9094', NO_KEYS, undefined],
  ['[::1]:9094', { ring, verifyIncoming: false, verifyOutgoing: false }, undefined],
])('gossip on %s, case %#, is told of as it is', (listen, protection, said) => {
  const told = plaintextGossip(listen, protection)
  if (said === undefined) expect(told).toBeUndefined()
  else expect(`${told?.code} ${told?.text}`).toMatch(said)
})

it('status shows encryption first, what the docs say to watch counts from 0, status and cluster warn, and the log says it once, loudly only when a move was left halfway', async () => {
  const replica = await Replica.open({
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 0,
    gossip: { listen: '127.0.0.1:0' },
    log: () => pino({ level: 'silent' }),
  })
  onTestFinished(() => replica.close())
  const half = new Encryption({ ring, verifyIncoming: false, verifyOutgoing: true, listen: '10.0.0.1:9094' })
  const options = { listen: '127.0.0.1:0', externalUrl: undefined, routePrefix: '/', encryption: half }
  const web = await openWeb(replica, options)
  onTestFinished(() => web.close())
  for (const path of ['status', 'cluster']) {
    const { warnings } = (await (await fetch(`${web.url}/api/v1/${path}`)).json()) as { warnings: string[] }
    expect(warnings).toEqual([expect.stringContaining('gossip on 10.0.0.1:9094 is encrypted, and plaintext')])
  }
  const status = (await (await fetch(`${web.url}/api/v1/status`)).json()) as Record<string, object>
  const names = Object.keys(status)
  expect(Object.keys(status.gossip ?? {}).slice(0, 2)).toEqual(['address', 'encryption'])
  expect(status.gossip).toMatchObject({ encryption: { state: 'on', verifyIncoming: false } })
  expect(names.indexOf('gossip')).toBeLessThan(names.indexOf('store'))
  const metrics = await (await fetch(`${web.url}/metrics`)).text()
  for (const series of [
    'packets_total{outcome="plaintext"}',
    'streams_total{outcome="plaintext"}',
    'dropped_total{reason="undecryptable"}',
    'dropped_total{reason="plaintext-refused"}',
    'dropped_total{reason="encrypted-without-key"}',
    'dropped_total{reason="label-mismatch"}',
  ]) {
    expect(metrics).toContain(`\nhearsay_gossip_${series} 0\n`)
  }
  const lines: string[] = []
  const log = {
    debug: () => undefined,
    info: (event: string) => lines.push(`info ${event}`),
    warn: (event: string) => lines.push(`warn ${event}`),
  }
  half.tell(log)
  new Encryption({ ...NO_KEYS, listen: '10.0.0.1:9094' }).tell(log)
  new Encryption({ ...NO_KEYS, listen: '127.0.0.1:9094' }).tell(log)
  expect(lines).toEqual(['warn gossip_partly_plaintext', 'info gossip_plaintext'])
})
