/** The loop of docs/reference/http.md for services in other languages, run as it stands there. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { ANY_PORT, alive, openEmbedded } from '../support/embedded.ts'
import { startMember } from '../support/mute-member.ts'
import { commandExists, requirement } from '../support/requirement.ts'
import { until } from '../support/until.ts'
import { WebhookSink } from '../support/webhook-sink.ts'

const GROUPS = ['a', 'b', 'c', 'd', 'e', 'f']
const run = promisify(execFile)

/** With the addresses and the group of this test in the place of its own. */
function recipe(api: string, hook: string, group: string): string {
  const page = readFileSync(new URL('../../docs/reference/http.md', import.meta.url), 'utf8')
  const block = /```sh\n(API=(?:(?!```).)*\/claims.*?)```/s.exec(page)?.[1] ?? ''
  const typed = block.replace('http://localhost:9093/api/v1', `${api}/api/v1`)
  return typed.replace('https://receiver.example/hook', hook).replaceAll('DiskFull', group)
}

requirement({ name: 'curl', present: commandExists('curl'), install: 'apt-get install curl' })(
  'the recipe in the shell',
  () => {
    it('sends each group once from two replicas, after a third was killed', async () => {
      const sink = await WebhookSink.open()
      onTestFinished(() => sink.close())
      const http = { listen: '127.0.0.1:0' }
      const ana = await openEmbedded({ name: 'ana', gossip: ANY_PORT, http })
      const peers = [ana.gossipAddress ?? '']
      const ben = await openEmbedded({ name: 'ben', gossip: { ...ANY_PORT, peers }, http })
      await until(() => alive(ana).length === 2 && alive(ben).length === 2)
      await Promise.all([ana.ready(), ben.ready()])
      const stopCem = await startMember('cem', peers)
      await until(() => alive(ana).length === 3 && alive(ben).length === 3)
      await stopCem()
      await until(() => [ana, ben].every((replica) => replica.members().some(isDead)), 30_000)
      // The first send fails: somebody has to send it all the same.
      sink.answers.push(503)
      const flushes = GROUPS.flatMap((group) =>
        [ana, ben].map(({ url }) => run('sh', ['-c', recipe(url ?? '', sink.url, group)])),
      )
      for (const { stderr } of await Promise.all(flushes)) expect(stderr).toBe('')
      const sent = sink.received.map(({ payload }) => payload.groupKey)
      const [failed = '', ...arrived] = sent
      expect(arrived.toSorted(byText)).toEqual(GROUPS.map((group) => `{}:{alertname="${group}"}`))
      expect(arrived).toContain(failed)
    }, 60_000)
  },
)

function isDead({ liveness }: { readonly liveness: string }): boolean {
  return liveness === 'dead'
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
