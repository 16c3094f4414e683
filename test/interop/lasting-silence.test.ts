/**
 * A real Alertmanager shortens the memory of a silence that it ends; the replica beside it lengthens it again, and the
 * Alertmanager keeps that on its disk. Once, and without a complaint.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readDelimited } from '../../src/alerting/core/delimited.ts'
import type { Silence } from '../../src/alerting/core/silence.ts'
import { decodeMeshSilence, silenceFromMessage } from '../../src/alerting/core/silence-codec.ts'
import { ALERTMANAGER, startAlertmanager } from '../support/alertmanager.ts'
import { ANY_PORT, openEmbedded } from '../support/embedded.ts'
import { complaintsIn, expireSilence, members, metric, seen } from '../support/mixed-cluster.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const DAY_MS = 86_400_000

/** What an Alertmanager wrote when it was stopped. */
function silencesOnDisk(storagePath: string): Map<string, Silence> {
  const found = new Map<string, Silence>()
  readDelimited(readFileSync(join(storagePath, 'silences')), (bytes) => {
    const silence = silenceFromMessage(decodeMeshSilence(bytes))
    if (silence !== undefined) found.set(silence.id, silence)
    return true
  })
  return found
}

requirement(ALERTMANAGER)('a silence that an Alertmanager ends long before its time', () => {
  it('is remembered by it as long as it was to last, however large it is', async () => {
    const storagePath = tempDir()
    const alertmanager = await startAlertmanager({ storagePath })
    onTestFinished(() => alertmanager.kill())
    const replica = await openEmbedded({ gossip: { ...ANY_PORT, peers: [alertmanager.clusterAddress] } })
    await replica.ready()
    await members(alertmanager.url, 2)
    const { silences } = replica
    const endsAt = new Date(Date.now() + 30 * DAY_MS)
    const ids: string[] = []
    for (const comment of ['small', 'large '.repeat(200)]) {
      ids.push(await silences.create({ matchers: ['job="api"'], endsAt, createdBy: 'ana', comment }))
    }
    for (const id of ids) await seen(alertmanager.url, id, 'active')
    const received = () =>
      metric(alertmanager.url, 'alertmanager_cluster_messages_received_total', '{msg_type="update"}')
    const before = await received()
    for (const id of ids) await expireSilence(alertmanager.url, id)
    await until(() => ids.every((id) => silences.get(id)?.state === 'expired'))
    await untilAsync(async () => (await received()) >= before + ids.length, 'both lifted versions')
    await alertmanager.stop()
    const kept = silencesOnDisk(storagePath)
    for (const id of ids) {
      const silence = kept.get(id)
      expect(silence?.expiresAtNs).toBeGreaterThan(BigInt(endsAt.getTime()) * 1_000_000n)
      // Ended and stamped at one instant by the Alertmanager; then once by us.
      expect((silence?.updatedAtNs ?? 0n) - (silence?.endsAtNs ?? 0n)).toBe(1n)
    }
    expect(complaintsIn(alertmanager.log())).toEqual([])
  })
})
