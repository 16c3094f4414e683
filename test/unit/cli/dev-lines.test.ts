import { expect, it } from 'vitest'
import { DevLines } from '../../../src/cli/dev-lines.ts'

const REFUSED = 'ts=x level=warn event=peer_not_joined peer=127.0.0.1:9194 reason="nobody listens there"'

it('peers that do not listen yet are told only once all have been up', () => {
  const written: string[] = []
  const lines = new DevLines((line) => written.push(line))
  const first = lines.of('dev-1')
  first(REFUSED)
  first('level=warn event=disk_slow')
  lines.allAreUp()
  first(REFUSED)
  expect(written).toEqual(['dev-1  level=warn event=disk_slow', `dev-1  ${REFUSED}`])
})

it('advice names flags that dev has', () => {
  const written: string[] = []
  const line = new DevLines((text) => written.push(text)).of('dev-2')
  line('in use: stop that replica, or choose another directory with --storage.path')
  line('in use: stop it, or choose another port with --cluster.listen-address')
  expect(written.map((text) => text.replace(/.* with /, ''))).toEqual(['--data-dir', '--base-port'])
})
