import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeNotification } from '../../../../src/alerting/core/notification-codec.ts'
import {
  CLAIM_FRAME_BYTES_MAX,
  type ClaimFrame,
  decodeClaimFrame,
  encodeClaimFrame,
  isReceiverNameable,
  isWorkNameable,
  RECEIVER_BYTES_MAX,
  RECEIVERS_MAX,
  RECORD_BYTES_MAX,
  WORK_BYTES_MAX,
} from '../../../../src/alerting/notifier/claim-frames.ts'
import { NOTIFICATION_ALERTS_MAX } from '../../../../src/app/notification-options.ts'
import { aNotification } from '../../../support/notifications.ts'

const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
const whole = fc.maxSafeNat()
const work = fc.string({ maxLength: 60, unit: 'grapheme' })
const version = fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined })
const from = { sender: name, boot: whole }
const to = fc.record({ boot: whole, seq: whole })
const denied = fc.record({ holder: name, held: fc.boolean(), boot: whole, seq: whole, remainingMs: whole })
const frames: fc.Arbitrary<ClaimFrame> = fc.oneof(
  fc.record({ kind: fc.constant('announce' as const), ...from, receivers: fc.array(work, { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('ask' as const), ...from, work, seq: whole, held: fc.boolean(), version }),
  fc.record({ kind: fc.constant('grant' as const), ...from, work, to }),
  fc.record({
    kind: fc.constant('deny' as const),
    ...from,
    work,
    to,
    deniedFor: fc.option(denied, { nil: undefined }),
    newer: version,
    record: fc.option(fc.uint8Array({ maxLength: 50 }), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('release' as const),
    ...from,
    work,
    seq: whole,
    outcome: fc.constantFrom('sent' as const, 'failed' as const, 'withdrawn' as const),
    version,
    notificationId: fc.constantFrom('', '0123456789abcdef'),
  }),
)

describe('claim frames', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeClaimFrame(encodeClaimFrame(frame))).toEqual(frame)
      }),
    )
  })

  it('are of the private kind 43', () => {
    const bytes = encodeClaimFrame({ kind: 'announce', sender: 'ana', boot: 1, receivers: [] })
    expect([...bytes]).toEqual([0xf1, 1, 0x43, 0, 3, 97, 110, 97, 1, 0])
  })

  it('cut short, or with bytes after them, are none', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, at) => {
        const bytes = encodeClaimFrame(frame)
        expect(decodeClaimFrame(bytes.subarray(0, at % bytes.length))).toBeUndefined()
        expect(decodeClaimFrame(Uint8Array.of(...bytes, 0))).toBeUndefined()
      }),
    )
  })

  it('of an unknown kind or outcome, or without a sender, are none', () => {
    const bytes = encodeClaimFrame({ kind: 'announce', sender: 'ana', boot: 1, receivers: [] })
    bytes[3] = 9
    expect(decodeClaimFrame(bytes)).toBeUndefined()
    expect(
      decodeClaimFrame(encodeClaimFrame({ kind: 'announce', sender: '', boot: 1, receivers: [] })),
    ).toBeUndefined()
    const release = { kind: 'release', sender: 'a', boot: 1, work: '', seq: 1, outcome: 'withdrawn' } as const
    const spoilt = encodeClaimFrame({ ...release, version: undefined, notificationId: '' })
    spoilt[9] = 3
    expect(decodeClaimFrame(spoilt)).toBeUndefined()
  })

  it('have room for the record of the largest flush, whose denial would otherwise stop nobody', () => {
    const firing = Array.from({ length: NOTIFICATION_ALERTS_MAX }, (_, n) => 2n ** 64n - 1n - BigInt(n))
    const { bytes } = encodeNotification(aNotification({ firing }))
    const about = { sender: 'a', boot: 1, work: 'w', to: { boot: 1, seq: 1 }, newer: 5n } as const
    const frame = encodeClaimFrame({ kind: 'deny', ...about, deniedFor: undefined, record: bytes })
    expect(decodeClaimFrame(frame)).toMatchObject({ record: bytes })
  })

  it('leave out a record that is too long, and take none', () => {
    const base = {
      kind: 'deny',
      sender: 'a',
      boot: 1,
      work: 'w',
      to: { boot: 1, seq: 1 },
      newer: 5n,
    } as const
    for (const [length, read] of [
      [RECORD_BYTES_MAX, RECORD_BYTES_MAX],
      [RECORD_BYTES_MAX + 1, undefined],
    ] as const) {
      const record = new Uint8Array(length)
      const frame = decodeClaimFrame(encodeClaimFrame({ ...base, deniedFor: undefined, record }))
      expect(frame).toMatchObject({ newer: 5n })
      // Its length: to compare a mebibyte element by element takes seconds.
      expect(frame?.kind === 'deny' ? frame.record?.length : 'no denial').toBe(read)
    }
  })

  it('keep to their limits of receivers, works and bytes', () => {
    const announce = (count: number, length = 1): ClaimFrame | undefined => {
      const receivers = Array.from({ length: count }, () => 'r'.repeat(length))
      return decodeClaimFrame(encodeClaimFrame({ kind: 'announce', sender: 'a', boot: 1, receivers }))
    }
    expect(announce(RECEIVERS_MAX, RECEIVER_BYTES_MAX)).toBeDefined()
    expect(announce(RECEIVERS_MAX + 1)).toBeUndefined()
    expect(announce(1, RECEIVER_BYTES_MAX + 1)).toBeUndefined()
    const grant = (length: number): ClaimFrame | undefined => {
      const about = { sender: 'a', boot: 1, work: 'w'.repeat(length), to: { boot: 1, seq: 1 } }
      return decodeClaimFrame(encodeClaimFrame({ kind: 'grant', ...about }))
    }
    expect(grant(WORK_BYTES_MAX)).toBeDefined()
    expect(grant(WORK_BYTES_MAX + 1)).toBeUndefined()
    expect(isWorkNameable('\u{e9}'.repeat(WORK_BYTES_MAX / 2))).toBe(true)
    expect(isWorkNameable('\u{e9}'.repeat(WORK_BYTES_MAX / 2 + 1))).toBe(false)
    expect(isReceiverNameable('r'.repeat(RECEIVER_BYTES_MAX + 1))).toBe(false)
    expect(decodeClaimFrame(new Uint8Array(CLAIM_FRAME_BYTES_MAX + 1))).toBeUndefined()
  })
})
