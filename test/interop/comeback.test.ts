/**
 * Coming back to a real Alertmanager, which calls nobody: under our old name at a new address, where it would refuse us until it
 * has forgotten the old one (70 to 81 s when we left that to it); and the Alertmanager itself, emptied, at its old address.
 */
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { ALERTMANAGER, startAlertmanager } from '../support/alertmanager.ts'
import { freePort } from '../support/free-port.ts'
import { fetchJson, peerNames } from '../support/mixed-cluster.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

interface Status {
  readonly cluster: { readonly peers: readonly { readonly name: string; readonly address: string }[] }
}

const running: ReplicaProcess[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((replica) => replica.kill()))
})

async function replica(storagePath: string, peers: readonly string[] = []): Promise<ReplicaProcess> {
  const started = await ReplicaProcess.start({ storagePath, peers, flags: ['--log.level=warn'] })
  running.push(started)
  return started
}

requirement(ALERTMANAGER)('beside an Alertmanager that calls nobody', () => {
  it('a replica killed and restarted at a new address, told of nobody, has its old name back', async () => {
    const alertmanager = await startAlertmanager()
    onTestFinished(() => alertmanager.kill())
    const listsAt = async (address: string): Promise<boolean> => {
      const { cluster } = await fetchJson<Status>(`${alertmanager.url}/api/v2/status`)
      return cluster.peers.some((peer) => peer.address === address)
    }
    const storagePath = tempDir()
    const first = await replica(storagePath, [alertmanager.clusterAddress])
    await untilAsync(() => listsAt(first.gossipAddress), 'the replica is listed')
    const names = await peerNames(alertmanager.url)
    await first.kill()
    const second = await replica(storagePath)
    expect(second.gossipAddress).not.toBe(first.gossipAddress)
    const tookMs = await untilAsync(() => listsAt(second.gossipAddress), 'it is listed anew', 20_000)
    expect((await peerNames(alertmanager.url)).toSorted()).toEqual(names.toSorted())
    process.stderr.write(
      `under its old name at a new address: listed ${Math.round(tookMs)} ms after it was ready\n`,
    )
  })

  it('is found soon when it was emptied and restarted at its old address', async () => {
    const ports = { httpPort: await freePort(), clusterPort: await freePort() }
    const alertmanager = await startAlertmanager(ports)
    onTestFinished(() => alertmanager.kill())
    const here = await replica(tempDir(), [alertmanager.clusterAddress])
    const [old = ''] = (await peerNames(here.url)).filter((name) => !name.startsWith('zz-'))
    await alertmanager.kill()
    const emptied = await startAlertmanager(ports)
    onTestFinished(() => emptied.kill())
    const knowsEachOther = async (): Promise<boolean> => {
      const seen = await peerNames(here.url)
      return (
        seen.some((name) => name !== old && !name.startsWith('zz-')) &&
        (await peerNames(emptied.url)).length > 1
      )
    }
    const tookMs = await untilAsync(knowsEachOther, 'it is found', 20_000)
    process.stderr.write(`an emptied Alertmanager at its old address: found after ${Math.round(tookMs)} ms\n`)
  })
})
