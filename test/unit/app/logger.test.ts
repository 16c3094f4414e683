import { describe, expect, it } from 'vitest'
import { createLogger } from '../../../src/app/logger.ts'
import type { LogFormat } from '../../../src/app/serve-options.ts'

function logged(format: LogFormat, log: (logger: ReturnType<typeof createLogger>) => void): string {
  let text = ''
  const write = (line: string): void => {
    text += line
  }
  log(createLogger({ level: 'info', format, node: 'dev-1', write }))
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|^\d\d:\d\d:\d\d\.\d{3}/gm, 'TIME')
}

describe('log lines', () => {
  it('logfmt has time, level, node, component and event first', () => {
    const line = logged('logfmt', (log) =>
      log.child({ component: 'http' }).info({ event: 'up', port: 9093, path: 'a b' }, 'it "is" up'),
    )
    expect(line).toBe(
      'ts=TIME level=info node=dev-1 component=http event=up msg="it \\"is\\" up" port=9093 path="a b"\n',
    )
  })

  it('json is one object a line with the same fields', () => {
    const line = logged('json', (log) => log.warn({ component: 'store', event: 'slow' }))
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      node: 'dev-1',
      component: 'store',
      event: 'slow',
    })
  })

  it('pretty is for eyes', () => {
    const line = logged('pretty', (log) =>
      log.error({ component: 'store', event: 'slow', ms: 5 }, 'slow disk'),
    )
    expect(line).toBe('TIME ERROR dev-1 store: slow disk ms=5\n')
  })

  it('a line without component and event still has them', () => {
    expect(logged('logfmt', (log) => log.info('x'))).toContain('component=app event=message')
  })

  it.each<LogFormat>(['logfmt', 'json', 'pretty'])('text of a peer cannot forge a line in %s', (format) => {
    const evil = 'x\nts=1 level=error \u001b[31m'
    const text = logged(format, (log) =>
      log.info({ component: evil, event: evil, peer: evil, err: new Error(evil) }, evil),
    )
    expect(text.trimEnd().split('\n').length).toBe(1)
    expect(text).not.toContain('\u001b')
  })

  it('lines below the level are not written', () => {
    expect(logged('json', (log) => log.debug({ event: 'x' }))).toBe('')
  })
})
