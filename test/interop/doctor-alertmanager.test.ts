/** The doctor at a real Alertmanager: it is answered both ways, and the Alertmanager has nothing to say about it. */
import { expect, it, onTestFinished } from 'vitest'
import { NamelessPings } from '../../src/app/doctor/gossip-probe.ts'
import { systemClock } from '../../src/app/system-clock.ts'
import { endpointFromText } from '../../src/gossip/io/endpoint-text.ts'
import { ALERTMANAGER, startAlertmanager } from '../support/alertmanager.ts'
import { requirement } from '../support/requirement.ts'

requirement(ALERTMANAGER)('the doctor at an Alertmanager', () => {
  it('hears it by stream and by packet, and is no member, no warning and no error there', async () => {
    const alertmanager = await startAlertmanager()
    onTestFinished(() => alertmanager.stop())
    const before = alertmanager.log().length
    const at = endpointFromText('127.0.0.1', alertmanager.clusterPort)
    const pings = new NamelessPings(systemClock, { label: '', compress: false })
    expect(await pings.byStream(at)).toEqual({ rttMs: expect.any(Number), clockOffsetMs: undefined })
    expect(await pings.byPacket(at)).toBeGreaterThan(0)
    const status = (await (await fetch(`${alertmanager.url}/api/v2/status`)).json()) as {
      cluster: { peers: unknown[] }
    }
    expect(status.cluster.peers).toHaveLength(1)
    expect(alertmanager.log().slice(before)).not.toMatch(/level=(warn|error)|\[(WARN|ERR|INFO)\]/)
  })
})
