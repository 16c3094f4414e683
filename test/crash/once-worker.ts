/**
 * A notifier on the library, as a process that tests kill: `<name> <storage path> <webhook URL> <peer>...`.
 *
 * Reads from stdin and answers one JSON line each, in the order of the commands:
 *
 *   `members <count>`                 when so many are alive and this one has settled
 *   `flush <prefixes> <count> gated`  calls `once` for the groups `<prefix>-0` ... of each prefix, at once: how they ended
 *
 * A send is a POST to `<URL>/hook/<group>`; gated, one to `/before/<group>` comes before it and one to `/after/<group>` after
 * it, which the test may leave unanswered for as long as it likes.
 */
import { createInterface } from 'node:readline'
import { openReplica, type SendContext } from '../../src/index.ts'

/**
 * Flushes at once. With 1,000, and as many requests to the receiver, on two cores that others use as well, a process may be
 * too busy to answer for 3 s; then the others send as if it were not there.
 */
const WAVE = 100
const RECEIVER = { groupName: 'ops', integration: 'webhook' }
const [name = '', dataDir = '', url = '', ...peers] = process.argv.slice(2)

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const replica = await openReplica({ name, dataDir, gossip: { listen: '127.0.0.1:0', peers } })

async function post(path: string, signal: AbortSignal): Promise<void> {
  const answer = await fetch(`${url}/${path}`, { method: 'POST', headers: { 'x-sender': name }, signal })
  await answer.arrayBuffer()
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
}

async function send(group: string, isGated: boolean, { signal }: SendContext): Promise<void> {
  if (isGated) await post(`before/${group}`, signal)
  await post(`hook/${group}`, signal)
  if (isGated) await post(`after/${group}`, signal)
}

async function flush(
  prefixes: readonly string[],
  count: number,
  isGated: boolean,
): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {}
  const one = async (group: string): Promise<void> => {
    const alerts = [{ labels: { group } }]
    const options = { groupKey: group, receiver: RECEIVER, alerts, repeatInterval: '4h' }
    const { outcome } = await replica.notifications.once(options, (context) => send(group, isGated, context))
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  const groups = prefixes.flatMap((prefix) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`))
  for (let at = 0; at < groups.length; at += WAVE) await Promise.all(groups.slice(at, at + WAVE).map(one))
  return outcomes
}

async function members(count: number): Promise<void> {
  while (replica.members().filter(({ liveness }) => liveness === 'alive').length !== count) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await replica.ready()
}

async function answer(line: string): Promise<object> {
  const [command = '', argument = '', count = '', gated = ''] = line.split(' ')
  if (command === 'flush') return flush(argument.split(','), Number(count), gated === 'gated')
  await members(Number(argument))
  return { done: command }
}

say({ gossip: replica.gossipAddress })
for await (const line of createInterface({ input: process.stdin })) say(await answer(line))
