/** Item 59 of the checklist: a cluster of three notifies as one replica alone would. */
import { describe, expect, it } from 'vitest'
import type { EmbeddedReplica } from '../../src/index.ts'
import { openCluster, openEmbedded } from '../support/embedded.ts'

interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly status: 'firing' | 'resolved'
}

function alert(instance: string, status: Alert['status'] = 'firing'): Alert {
  return { labels: { alertname: 'DiskFull', instance }, status }
}

/** What is due for one group, flush after flush; some of it has been said before. */
const FLUSHES: readonly (readonly Alert[])[] = [
  [alert('a')],
  [alert('a')],
  [alert('a'), alert('b')],
  [alert('a', 'resolved'), alert('b')],
  [alert('b')],
  [alert('b', 'resolved')],
  [alert('b', 'resolved')],
  [alert('c')],
]

/** Every replica has every flush, at the same moment. @returns the webhooks, in order */
async function webhooksOf(
  replicas: readonly EmbeddedReplica[],
  alertname: string,
): Promise<readonly string[]> {
  const webhooks: string[] = []
  for (const alerts of FLUSHES) {
    const flush = {
      groupKey: `{}:{alertname="${alertname}"}`,
      receiver: { groupName: 'team', integration: 'webhook' },
      alerts,
      repeatInterval: '4h',
    }
    const results = await Promise.all(
      replicas.map((replica) =>
        replica.notifications.once(flush, ({ firing, resolved, reason }) => {
          const names = (of: readonly Alert[]): string => of.map(({ labels }) => labels.instance).join()
          webhooks.push(`${reason}: firing ${names(firing)}, resolved ${names(resolved)}`)
        }),
      ),
    )
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  }
  return webhooks
}

describe('hearsay', () => {
  it('item 59: three replicas send one webhook for one alert, and over several alerts what one alone sends', async () => {
    const alone = await webhooksOf([await openEmbedded()], 'alone')
    expect(alone).toEqual([
      'first: firing a, resolved ',
      'new-alerts: firing a,b, resolved ',
      'resolved: firing b, resolved a',
      'all-resolved: firing , resolved b',
      'first: firing c, resolved ',
    ])
    expect(await webhooksOf(await openCluster('a', 'b', 'c'), 'three')).toEqual(alone)
  })
})
