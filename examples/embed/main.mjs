/**
 * Two replicas of one alerting service, in one process so that it can be tried at once; in earnest each is a process of
 * its own on a machine of its own, and only `listen`, `peers` and `dataDir` differ.
 *
 * They share thresholds that expire, who is on call, and the work: each alert group is watched over by one of them.
 *
 * Run: npm run build && node examples/embed/main.mjs [data directory]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openReplica } from 'hearsay'

const given = process.argv[2]
const data = given ?? mkdtempSync(join(tmpdir(), 'hearsay-embed-'))
const listen = '127.0.0.1:0'
const stop = new AbortController()

const first = await openReplica({ name: 'first', dataDir: join(data, 'first'), gossip: { listen } })
const second = await openReplica({
  name: 'second',
  dataDir: join(data, 'second'),
  gossip: { listen, peers: [first.gossipAddress] },
})
try {
  await second.ready({ signal: AbortSignal.timeout(10_000) })

  // Follow a map from now on; to mirror it, read `entries()` next.
  const followed = follow(second.map('thresholds').watch({ prefix: 'api', signal: stop.signal }))

  // On the disks of both before the promise resolves, and gone in an hour.
  const { reached, acked } = await first.map('thresholds').set('api', { cpu: 0.9 }, { ttl: '1h', ack: 'all' })
  console.log(`threshold kept: ${reached}, by ${[...acked].sort().join(' and ')}`)
  console.log(`the other replica reads ${JSON.stringify(second.map('thresholds').get('api'))}`)

  const onCall = first.set('on-call')
  await onCall.add('ana', { ack: 'majority' })
  console.log(`on call: ${second.set('on-call').members().join(', ')}`)

  // Both name the same owner, so one of them sends.
  const groups = ['{alertname="DiskFull"}', '{alertname="HighLatency"}', '{alertname="CertExpiry"}']
  console.log(`one owner each: ${groups.every((group) => first.owner(group) === second.owner(group))}`)

  await first.map('thresholds').delete('api', { ack: 'all' })
  console.log(`followed: ${(await followed).join(', ')}`)

  // When one leaves, its work is the other's.
  const group = groups.find((work) => first.isOwner(work)) ?? groups[0]
  const owners = second.ownerChanges(group, { signal: stop.signal })
  await owners.next()
  await first.close()
  if (!second.isOwner(group)) await owners.next()
  console.log(
    `after the first has left, the second owns all: ${groups.every((work) => second.isOwner(work))}`,
  )
} finally {
  stop.abort()
  await Promise.all([first.close(), second.close()])
  if (given === undefined) rmSync(data, { recursive: true, force: true })
}

/** What became of the key, until it is deleted. */
async function follow(changes) {
  const told = []
  for await (const change of changes) {
    if (change.type === 'gap') continue
    told.push(
      change.type === 'put' ? `${change.key} is ${change.value.cpu}` : `${change.key} ${change.reason}`,
    )
    if (change.type === 'delete') break
  }
  return told
}
