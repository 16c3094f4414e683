import { expect, it } from 'vitest'
import { createLogger } from '../../../src/app/logger.ts'
import { roomLog } from '../../../src/app/room-log.ts'

it('a line about another member still says who logged it', () => {
  const lines: string[] = []
  const log = createLogger({ level: 'info', format: 'logfmt', node: 'me', write: (text) => lines.push(text) })
  roomLog(log, 'gossip').info('member_alive', { node: 'am-1', incarnation: 3 })
  expect(lines.join('')).toMatch(/ node=me component=gossip event=member_alive .*member=am-1/)
  expect(lines.join('')).not.toContain('node=am-1')
})
