/**
 * A small alerting service: takes alerts from Prometheus, groups them, leaves out what is silenced, and tells a webhook.
 * Run three of it, and each notification still leaves once. README.md beside this file has the commands.
 *
 * Every replica is told of every alert by Prometheus, and each flushes its groups by itself. What they share is
 * the silences and the log of what has been notified, and `once` sees to it that one of them sends.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openReplica, parseDuration } from 'hearsay'

const { values: options } = parseArgs({
  options: {
    webhook: { type: 'string' },
    name: { type: 'string' },
    data: { type: 'string' },
    http: { type: 'string', default: '127.0.0.1:9093' },
    gossip: { type: 'string', default: '127.0.0.1:9094' },
    peer: { type: 'string', multiple: true, default: [] },
    'peer-timeout': { type: 'string', default: '15s' },
    receiver: { type: 'string', default: 'ops' },
    'group-by': { type: 'string', multiple: true, default: ['alertname'] },
    'group-wait': { type: 'string', default: '2s' },
    'group-interval': { type: 'string', default: '5s' },
    'repeat-interval': { type: 'string', default: '1m' },
  },
})
const webhook = new URL(options.webhook ?? missing('--webhook'))
const groupWaitMs = parseDuration(options['group-wait'])
const groupIntervalMs = parseDuration(options['group-interval'])
const receiver = { groupName: options.receiver, integration: 'webhook' }

const replica = await openReplica({
  name: options.name,
  dataDir: options.data,
  http: { listen: options.http },
  gossip: { listen: options.gossip, peers: options.peer, peerTimeout: options['peer-timeout'] },
})
/** Groups with something to tell, by key; each has a loop of its own that flushes it. */
const groups = new Map()
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())

// So that the others count with this replica before its first notification.
replica.notifications.advertise(receiver)
console.log(`${replica.name} takes alerts at ${replica.url} and gossips at ${replica.gossipAddress}`)

try {
  for await (const _ of replica.alerts.changes({ signal: stop.signal })) replica.alerts.all().forEach(take)
} catch (error) {
  if (!stop.signal.aborted) throw error
}
// What is being sent has 5 s to end and be logged; all else is left to the other replicas.
await replica.close()

/** Puts an alert into its group. */
function take(alert) {
  const names = options['group-by'].filter((name) => alert.labels[name] !== undefined)
  const labels = Object.fromEntries(names.map((name) => [name, alert.labels[name]]))
  // As an Alertmanager names it whose only route is the root; a deeper route would add its matchers.
  const key = replica.notifications.groupKey([[]], labels)
  if (!isNews(key, alert)) return
  const group = groups.get(key) ?? { key, labels, alerts: new Map() }
  group.alerts.set(alert.fingerprint, alert)
  if (groups.has(key)) return
  groups.set(key, group)
  void run(group)
}

/** Flushes a group again and again, until nothing of it is left to tell. */
async function run(group) {
  try {
    // From tick to tick, however long a flush takes: groups of other replicas and of Alertmanagers keep in step with it.
    const nextMs = (dueMs) => Math.max(dueMs + groupIntervalMs, performance.now())
    for (let dueMs = performance.now() + groupWaitMs; group.alerts.size > 0; dueMs = nextMs(dueMs)) {
      await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal: stop.signal })
      await flush(group).catch((error) => console.error(`${replica.name} ${group.key} ${error}`))
      for (const [id, alert] of group.alerts) if (!isNews(group.key, alert)) group.alerts.delete(id)
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    groups.delete(group.key)
  }
}

async function flush(group) {
  const heard = [...group.alerts.values()].filter((alert) => {
    return isNews(group.key, alert) && replica.silences.matching(alert.labels).length === 0
  })
  const silenced = group.alerts.size - heard.length
  const result = await replica.notifications.once(
    {
      groupKey: group.key,
      receiver,
      // What an alert is was true when it was asked for; it may have ended since.
      alerts: heard.map((alert) => ({ ...alert, status: fires(alert) ? 'firing' : 'resolved' })),
      repeatInterval: options['repeat-interval'],
      // A failed notification is tried again for this long, then with the alerts as they are at the next flush.
      timeout:
        Math.max(groupIntervalMs, 10_000) +
        2 * parseDuration(options['peer-timeout']) * replica.members().length,
    },
    (notification) => post(group, notification).catch((error) => tellAttempt(group, notification, error)),
  )
  const detail = [silenced > 0 ? `${silenced} silenced` : '', result.detail ?? ''].filter(Boolean).join(', ')
  console.log(`${replica.name} ${group.key} ${result.outcome}: ${result.reason}${detail && ` (${detail})`}`)
}

/** It is tried again for minutes: whoever reads along wants to know at once, and why. `fetch` says so in `cause`. */
function tellAttempt(group, { attempt }, error) {
  const cause = error.cause?.message || error.cause?.code || ''
  console.error(
    `${replica.name} ${group.key} attempt ${attempt} did not succeed: ${error.message}${cause && `: ${cause}`}`,
  )
  throw error
}

/** Sends what Alertmanager's webhook sends, version 4. What it throws is tried again, unless it says `retry: false`. */
async function post(group, { firing, resolved, notificationId, signal }) {
  const alerts = [...firing, ...resolved]
  const answer = await fetch(webhook, {
    method: 'POST',
    // The same for every attempt of every replica: a receiver that remembers it can drop what comes twice.
    headers: { 'content-type': 'application/json', 'idempotency-key': notificationId },
    body: JSON.stringify({
      version: '4',
      receiver: receiver.groupName,
      status: firing.length > 0 ? 'firing' : 'resolved',
      alerts: alerts.map(({ status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint }) => {
        const end = status === 'resolved' ? endsAt : '0001-01-01T00:00:00Z'
        return { status, labels, annotations, startsAt, endsAt: end, generatorURL, fingerprint }
      }),
      groupLabels: group.labels,
      commonLabels: common(alerts.map(({ labels }) => labels)),
      commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
      externalURL: replica.url,
      groupKey: group.key,
      truncatedAlerts: 0,
    }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  })
  await answer.body?.cancel()
  if (answer.ok) return
  const retry = answer.status >= 500 || answer.status === 429
  throw Object.assign(new Error(`the webhook answered ${answer.status}`), { retry })
}

/** It fires, or has resolved while the last notification, whoever sent it, says that it fires. */
function isNews(groupKey, alert) {
  if (fires(alert)) return true
  const last = replica.notifications.query({ groupKey, receiver })
  return last?.firing.includes(replica.notifications.labelHash(alert.labels)) ?? false
}

function fires({ endsAt }) {
  return endsAt.getTime() > Date.now()
}

/** What all of them have alike. */
function common([first = {}, ...others]) {
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((other) => other[name] === value)),
  )
}

function missing(option) {
  console.error(`${option} is missing: where notifications go, such as http://127.0.0.1:9999/`)
  return process.exit(2)
}
