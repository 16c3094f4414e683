/** A program that joins two drivers, stops them and has nothing more to do: it must end by itself. */
import { seededRandom } from '../../src/base/random.ts'
import { createGossip } from '../../src/gossip/io/driver.ts'
import { endpointToText } from '../../src/gossip/io/endpoint-text.ts'
import type { Gossip } from '../../src/gossip/io/gossip.ts'

const silent = (): undefined => undefined

function node(name: string): Gossip {
  return createGossip(
    {
      name,
      listen: '127.0.0.1:0',
      meta: new Uint8Array(0),
      classify: () => 'foreign',
      peers: ['127.0.0.1:1'],
    },
    {
      localState: () => new Uint8Array(0),
      mergeRemoteState: silent,
      userMessage: silent,
      memberEvent: silent,
      ackPayload: () => new Uint8Array(0),
      ackReceived: silent,
    },
    {
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      random: seededRandom(1),
      log: { debug: silent, info: silent, warn: silent },
    },
  )
}

const [a, b] = [node('a'), node('b')]
await Promise.all([a.start(), b.start()])
const { contacted } = await b.join([endpointToText(a.advertise())])
a.broadcast({ audience: 'foreign', payload: new Uint8Array(100) })
a.sendReliable('b', new Uint8Array(100))
await Promise.all([a.stop(), b.stop()])
process.stdout.write(`contacted ${contacted}\n`)
