import { describe, expect, it } from 'vitest'
import type { ClaimRequest } from '../../../src/alerting/notifier/notifier.ts'
import { ReplicaClaims } from '../../../src/app/claims.ts'
import type { ClaimAnswer } from '../../../src/app/notifier-driver.ts'
import type { ClaimOutcome } from '../../../src/http/facades.ts'

const REQUEST: ClaimRequest = {
  groupKey: 'g',
  receiver: { groupName: 'ops', integration: 'webhook', idx: 0 },
  waitMs: 1000,
  leaseMs: 10_000,
}

function parts() {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => 1_000_000 + clock.nowMs }
  const driver = {
    released: [] as [number, boolean][],
    isHeld: true,
    answer: (claimId: number): Promise<ClaimAnswer> => Promise.resolve({ claimId, result: { held: true } }),
    asked: 0,
    lose: (_claimId: number): void => undefined,
    claim: () => driver.answer(++driver.asked),
    renew: () => driver.isHeld,
    release: (claimId: number, failed: boolean) => void driver.released.push([claimId, failed]),
    onLost: (listener: (claimId: number) => void) => {
      driver.lose = listener
    },
  }
  return { clock, driver, claims: new ReplicaClaims({ driver, clock, claimsMax: 2 }) }
}

function idOf(outcome: ClaimOutcome): string {
  if (!outcome.held) throw new Error('not held')
  return outcome.claim.id
}

describe('claims of others', () => {
  it('are held under an id that says nothing, and released once', async () => {
    const { driver, claims } = parts()
    const outcome = await claims.claim(REQUEST)
    expect(outcome).toMatchObject({ held: true, claim: { key: 'g:ops/webhook/0', expiresAtMs: 1_010_000 } })
    const id = idOf(outcome)
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(claims.release(id, true)).toBe(true)
    expect([claims.release(id, true), driver.released]).toEqual([false, [[1, true]]])
  })

  it('are no more once they are lost, whoever notices', async () => {
    const { clock, driver, claims } = parts()
    const lost = idOf(await claims.claim(REQUEST))
    driver.lose(1)
    expect(claims.renew(lost, 5000)).toBeUndefined()
    const renewed = idOf(await claims.claim(REQUEST))
    clock.nowMs = 500
    expect(claims.renew(renewed, 5000)?.expiresAtMs).toBe(1_005_500)
    driver.isHeld = false
    expect(claims.renew(renewed, 5000)).toBeUndefined()
    expect(claims.release(renewed, false)).toBe(false)
  })

  it('are refused beyond their number, waiting ones included, until some run out', async () => {
    const { clock, driver, claims } = parts()
    await claims.claim(REQUEST)
    driver.answer = () => new Promise(() => undefined)
    void claims.claim(REQUEST)
    await expect(claims.claim(REQUEST)).rejects.toMatchObject({ code: 'CLAIMS_MAX' })
    clock.nowMs = 10_000
    driver.answer = (claimId) => Promise.resolve({ claimId, result: { held: true } })
    expect((await claims.claim(REQUEST)).held).toBe(true)
  })

  it('are not held for who was denied', async () => {
    const { driver, claims } = parts()
    const denied = { held: false, holder: 'ben', reason: 'denied' } as const
    driver.answer = (claimId) => Promise.resolve({ claimId, result: denied })
    for (let n = 0; n < 5; n++) expect(await claims.claim(REQUEST)).toEqual(denied)
  })
})
