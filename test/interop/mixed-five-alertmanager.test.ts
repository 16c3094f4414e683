/** Three hearsay and two Alertmanagers, each on a host of its own, survive kill, stop and continue, and partitions. */
import { afterAll, beforeAll, expect } from 'vitest'
import { ALERTMANAGER } from '../support/alertmanager.ts'
import { FiveCluster } from '../support/five-cluster.ts'
import { AlertmanagerMember, HearsayMember } from '../support/five-members.ts'
import { NET_NAMESPACES } from '../support/net-namespaces.ts'
import { requirement } from '../support/requirement.ts'
import { STORY_TIMEOUT_MS, stories } from './mixed-five-stories.ts'

const NEEDED = ALERTMANAGER.present ? NET_NAMESPACES : ALERTMANAGER

requirement(NEEDED)('three hearsay and two Alertmanagers survive', () => {
  let five: FiveCluster

  beforeAll(async () => {
    five = new FiveCluster((host, i, folder) =>
      i < 3 ? new HearsayMember(host, folder) : new AlertmanagerMember(host, folder),
    )
    await five.start()
    await five.see(five.all)
  }, STORY_TIMEOUT_MS)

  afterAll(async () => {
    expect(await five.close()).toEqual([])
  })

  stories('Alertmanager', () => five)
})
