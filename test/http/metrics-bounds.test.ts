/** Nobody who reaches our ports makes a series: checklist items 33 and 34 over real sockets, and what promtool says. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { METHODS, request } from 'node:http'
import { crc32 } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseHostPort } from '../../src/base/host-port.ts'
import { actorId } from '../../src/base/names.ts'
import type { PacketMessage } from '../../src/gossip/core/messages.ts'
import { nativeMeta } from '../../src/gossip/core/native-meta.ts'
import { encodeMessage } from '../../src/gossip/wire/message-codec.ts'
import { sealPacket } from '../../src/gossip/wire/packet.ts'
import { METRIC_NAMES } from '../../src/http/metrics/metric-table.ts'
import type { EmbeddedReplica } from '../../src/index.ts'
import { ANY_PORT, openEmbedded } from '../support/embedded.ts'
import { metricNamesOf, promtool, seriesOf } from '../support/exposition.ts'
import { commandExists, inCi, requirement } from '../support/requirement.ts'
import { untilAsync } from '../support/until-async.ts'

/** Members, and as many claims and frames each. */
const FORGED = inCi ? 10_000 : 2000
const PER_PACKET = 8
const SEAL = { crc: true, label: '', compress: false, crc32 } as const
const VSN = Uint8Array.of(1, 5, 2, 0, 0, 0)

function open(): Promise<EmbeddedReplica> {
  return openEmbedded({ name: 'victim', gossip: ANY_PORT, http: { listen: '127.0.0.1:0' } })
}

async function scrape(replica: EmbeddedReplica): Promise<string> {
  return await (await fetch(`${replica.url}/metrics`)).text()
}

/** Whatever a stranger can put a name or a number of his own in. */
function forged(i: number): readonly PacketMessage[] {
  const node = `forged-${i}`
  const meta = nativeMeta(`forged${i}`, actorId(i.toString(16).padStart(32, '0')))
  const endpoint = { addr: Uint8Array.of(127, 0, 0, 1), port: 1 + (i % 60_000) }
  const text = new TextEncoder().encode(`${node} is no frame`)
  return [
    { kind: 'alive', incarnation: 1, node, endpoint, meta, vsn: VSN },
    { kind: 'suspect', incarnation: 1, node: `${node}-b`, from: node },
    { kind: 'dead', incarnation: 1, node: `${node}-c`, from: node },
    { kind: 'ack', seqNo: i, payload: text },
    { kind: 'user', payload: text },
    { kind: 'user', payload: Uint8Array.of(0xf1, 1 + (i % 255), i % 251, ...text) },
  ]
}

async function forge(replica: EmbeddedReplica, from: number, to: number): Promise<void> {
  const { host, port } = parseHostPort(replica.gossipAddress ?? '')
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  const messages = Array.from({ length: to - from }, (_, i) => forged(from + i))
    .flat()
    .map(encodeMessage)
  for (let i = 0; i < messages.length; i += PER_PACKET) {
    socket.send(sealPacket(messages.slice(i, i + PER_PACKET), SEAL), port, host)
    // Both run in this process: let the victim read.
    if (i % (PER_PACKET * 16) === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

async function ask(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<void> {
  const asked = request(url, { method, path, headers, agent: false })
  asked.end()
  const [response] = await once(asked, 'response')
  response.resume()
  await once(response, 'end')
}

describe('the exposition', () => {
  it('has no series and no name of thousands of forged members, claims and frames', async () => {
    const replica = await open()
    const members = async (): Promise<number> =>
      Number(/state="alive",class="native"} (\d+)/.exec(await scrape(replica))?.[1])
    await forge(replica, 0, 20)
    await untilAsync(async () => (await members()) > 10, 'the first forged members are listed')
    const before = new Set(seriesOf(await scrape(replica)))
    await forge(replica, 20, FORGED)
    // Some datagrams are lost on the way.
    await untilAsync(async () => (await members()) > FORGED / 4, 'most forged members are listed')
    const text = await scrape(replica)
    expect(text).not.toContain('forged')
    const fresh = seriesOf(text).filter((series) => !before.has(series))
    // Closed sets that had not all been met, such as the event that there are too many members.
    expect(fresh.filter((series) => !/^hearsay_(gossip|replication|sync)_\w+\{/.test(series))).toEqual([])
    expect(fresh.length).toBeLessThan(40)
  }, 60_000)

  it('has no series of paths, methods, hosts and codes that clients make up', async () => {
    const replica = await open()
    const url = replica.url ?? ''
    const methods = METHODS.filter((method) => method !== 'CONNECT')
    const askAll = async (mark: string): Promise<void> => {
      for (const method of methods) {
        await ask(url, method, `/${mark}/api`, {})
        await ask(url, method, `/api/v1/kv/${mark}/key`, { host: `${mark}.example` })
      }
      await ask(url, 'GET', `/api/v1/kv/${mark}?limit=${mark}&${mark}=1`, { [mark]: mark })
      await ask(url, 'POST', '/api/v1/batch', { 'content-type': `application/${mark}` })
    }
    await askAll('forged0')
    await scrape(replica)
    const before = seriesOf(await scrape(replica))
    for (let i = 1; i < 10; i++) await askAll(`forged${i}`)
    const text = await scrape(replica)
    expect(text).not.toContain('forged')
    expect(seriesOf(text).filter((series) => !before.includes(series))).toEqual([])
  })

  it('has every metric of the table, and the same ones each time', async () => {
    const replica = await open()
    const first = metricNamesOf(await scrape(replica))
    expect(METRIC_NAMES.filter((name) => !first.has(name))).toEqual([])
    expect(metricNamesOf(await scrape(replica))).toEqual(first)
  })
})

const PROMTOOL = {
  name: 'promtool',
  present: commandExists('promtool'),
  install: 'apt-get install prometheus',
}
requirement(PROMTOOL)('promtool', () => {
  it('finds nothing wrong with what is exposed', async () => {
    const replica = await open()
    await replica.map('m').set('k', 1)
    await scrape(replica)
    expect(promtool(['check', 'metrics'], await scrape(replica))).toEqual({ status: 0, text: '' })
  })
})
