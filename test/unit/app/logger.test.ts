import { describe, expect, it } from 'vitest'
import { createLogger, LOG_LINES_MAX } from '../../../src/app/logger.ts'
import type { LogFormat } from '../../../src/app/options/serve-options.ts'

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
    const evil = 'x\r\nts=1 level=error \u001b[31m\u009b2J\u007f\u2028\u202egnp.exe\u2066 \u200b end'
    const text = logged(format, (log) =>
      log.info(
        { component: evil, event: evil, peer: evil, list: [evil], [evil]: 1, err: new Error(evil) },
        evil,
      ),
    )
    expect(text.endsWith('\n')).toBe(true)
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u2029\p{Bidi_Control}\p{Cf}]/u)
    expect(text).toContain('202e')
    if (format === 'json') expect(JSON.parse(text)).toMatchObject({ peer: evil, msg: evil })
    if (format === 'logfmt')
      expect(text.match(/ level=/g)).toHaveLength(1 + text.split('ts=1 level=').length - 1)
  })

  it('lines below the level are not written', () => {
    expect(logged('json', (log) => log.debug({ event: 'x' }))).toBe('')
  })

  it.each<LogFormat>(['logfmt', 'json', 'pretty'])('what may be a secret is not written in %s', (format) => {
    const secret = 'qJZ1pN0t+for/logs=='
    const text = logged(format, (log) => {
      log.info({ event: 'x', password: secret, token: secret })
      log.info({ event: 'x', headers: { authorization: secret, cookie: secret }, web: { password: secret } })
      log.child({ authorization: secret }).info({ event: 'x' })
    })
    expect(text).not.toContain(secret)
    expect(text).toContain('[redacted]')
  })

  it('a flood of one event is cut, its size is told, and other events go on', () => {
    let nowMs = 0
    const lines: string[] = []
    const write = (line: string): void => void lines.push(line)
    const log = createLogger({ level: 'info', format: 'logfmt', node: 'n', write, nowMs: () => nowMs })
    for (let i = 0; i < LOG_LINES_MAX + 50; i++) log.info({ event: 'flood' })
    log.info({ event: 'other' })
    expect(lines).toHaveLength(LOG_LINES_MAX + 1)
    nowMs = 1000
    // What a room has left out itself is added.
    log.info({ event: 'flood', suppressed: 7 })
    log.info({ event: 'flood' })
    expect(lines.at(-2)).toContain('suppressed=57')
    expect(lines.at(-1)).not.toContain('suppressed')
  })
})
