import { describe, expect, it } from 'vitest'
import { Credentials, WRONG_FOR_MS, WRONG_MAX } from '../../../../src/app/web-config/credentials.ts'
import { basicAuth, HASH_OF_OTHER, HASH_OF_SECRET } from '../../../support/web-config.ts'

interface Asked {
  readonly password: string
  readonly hash: string
  readonly lane: string
}

/** Checks without bcrypt: `secret` is right for every hash. */
class FakeChecks {
  readonly asked: Asked[] = []
  isBusy = false

  check(password: string, hash: string, lane: string): Promise<boolean | undefined> {
    this.asked.push({ password, hash, lane })
    return Promise.resolve(this.isBusy ? undefined : password === 'secret')
  }
}

const USERS = new Map([
  ['ana', HASH_OF_SECRET],
  ['eva', HASH_OF_OTHER.replace('$04$', '$05$')],
])

function rig(users: ReadonlyMap<string, string> = USERS) {
  const checks = new FakeChecks()
  const clock = { nowMs: 1000 }
  const credentials = new Credentials(users, checks, () => clock.nowMs)
  const ask = (header: string | undefined, address = '10.0.0.1') => credentials.check(header, address)
  return { checks, clock, credentials, ask }
}

describe('credentials', () => {
  it('without users everybody is allowed', () => {
    expect(rig(new Map()).ask(undefined)).toBe('allowed')
  })

  it('the right password is checked once and then known', async () => {
    const { ask, checks } = rig()
    const header = basicAuth('ana', 'secret')
    expect(await ask(header)).toBe('allowed')
    expect(ask(header)).toBe('allowed')
    expect(ask(header.replace('Basic', 'basic'))).toBeInstanceOf(Promise)
    expect(checks.asked.filter(({ hash }) => hash !== HASH_OF_SECRET)).toEqual([])
  })

  it('a wrong password is checked once, refused for a while, and checked again', async () => {
    const { ask, checks, clock } = rig()
    const header = basicAuth('ana', 'wrong')
    expect(await ask(header)).toBe('refused')
    expect(ask(header)).toBe('refused')
    clock.nowMs += WRONG_FOR_MS
    expect(await ask(header)).toBe('refused')
    expect(checks.asked).toHaveLength(2)
  })

  it('an unknown user is checked as long as a known one, and refused though the decoy were right', async () => {
    const { ask, checks } = rig()
    const names = Array.from({ length: 40 }, (_, i) => `nobody ${i}`)
    for (const name of names) expect(await ask(basicAuth(name, 'secret'))).toBe('refused')
    const costs = new Set(checks.asked.map(({ hash }) => hash.slice(4, 6)))
    expect(costs).toEqual(new Set(['04', '05']))
    expect(checks.asked.some(({ hash }) => [...USERS.values()].includes(hash))).toBe(false)
  })

  it('who asks the same at once waits for one check', async () => {
    const { ask, checks } = rig()
    const header = basicAuth('ana', 'secret')
    expect(await Promise.all([ask(header), ask(header), ask(header)])).toEqual([
      'allowed',
      'allowed',
      'allowed',
    ])
    expect(checks.asked).toHaveLength(1)
  })

  it('when nothing can be found out nobody is let in, and that is not remembered', async () => {
    const { ask, checks } = rig()
    const header = basicAuth('ana', 'secret')
    checks.isBusy = true
    expect(await ask(header)).toBe('busy')
    checks.isBusy = false
    expect(await ask(header)).toBe('allowed')
  })

  it.each([
    '',
    'Bearer abc',
    'Basic',
    'Basic !!!!',
    `Basic ${Buffer.from('no colon').toString('base64')}`,
    `Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}`,
    `${basicAuth('ana', 'secret')}, Basic x`,
  ])('%j is refused without a check', (header) => {
    const { ask, checks } = rig()
    expect(ask(header)).toBe('refused')
    expect(checks.asked).toEqual([])
  })

  it('nobody who says nothing is let in', () => {
    expect(rig().ask(undefined)).toBe('missing')
  })

  it.each(['', 'a:b', 'pässwörd 🦊', ' secret '])(
    'the password %j reaches the check as it is',
    async (password) => {
      const { ask, checks } = rig()
      await ask(basicAuth('ana', password))
      expect(checks.asked[0]?.password).toBe(password)
    },
  )

  it('guesses at one name and those at others wait in different lanes, and so do addresses', async () => {
    const { ask, checks } = rig()
    for (let i = 0; i < 40; i++) await ask(basicAuth(`user ${i}`, 'x'))
    await ask(basicAuth('user 0', 'y'))
    await ask(basicAuth('user 0', 'z'), '10.0.0.2')
    const lanes = checks.asked.map(({ lane }) => lane)
    expect(new Set(lanes.slice(0, 40)).size).toBe(8)
    expect(lanes[40]).toBe(lanes[0])
    expect(new Set(lanes.slice(0, 40))).not.toContain(lanes[41])
  })

  it('a flood of wrong passwords is remembered up to a bound, and drops no right one', async () => {
    const { ask, checks } = rig()
    const header = basicAuth('ana', 'secret')
    await ask(header)
    for (let i = 0; i <= WRONG_MAX; i++) await ask(basicAuth('ana', `wrong ${i}`))
    expect(ask(header)).toBe('allowed')
    expect(ask(basicAuth('ana', `wrong ${WRONG_MAX}`))).toBe('refused')
    const before = checks.asked.length
    await ask(basicAuth('ana', 'wrong 0'))
    expect(checks.asked).toHaveLength(before + 1)
  })
})
