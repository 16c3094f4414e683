/** Configured peers that change while the replica runs, leaves, or stops. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { Replica } from '../../../src/app/replica.ts'
import { flushed } from '../../support/flushed.ts'
import { until } from '../../support/until.ts'

async function opened(): Promise<Replica> {
  const gossip = { listen: '127.0.0.1:0', peers: [] }
  const replica = await Replica.open({
    name: 'eve',
    gossip,
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 1000,
    log: () => pino({ level: 'silent' }),
  })
  onTestFinished(() => replica.close())
  return replica
}

/** Somebody who counts who calls. */
async function listener(): Promise<{ readonly address: string; calls: number }> {
  const server = createServer((socket) => {
    counted.calls++
    socket.on('error', () => undefined).destroy()
  })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const counted = { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, calls: 0 }
  return counted
}

it('a new peer is called at once, but not by a replica that has left', async () => {
  const [replica, first, second] = [await opened(), await listener(), await listener()]
  replica.changePeers([first.address])
  await until(() => first.calls > 0)
  await replica.entry?.leave()
  replica.changePeers([second.address])
  await flushed()
  expect(second.calls).toBe(0)
  void replica.entry?.join()
  await until(() => second.calls > 0)
})

it('a reload that comes when gossip has ended harms nothing', async () => {
  const replica = await opened()
  const failures: unknown[] = []
  const note = (error: unknown): void => void failures.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  await replica.close()
  replica.changePeers(['127.0.0.1:1'])
  await flushed()
  expect(failures).toEqual([])
})
