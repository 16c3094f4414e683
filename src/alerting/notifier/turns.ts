/**
 * Whose turn it is: how many others should claim a work before us, and how long foreign members want us to wait.
 */
import { compareBytes, utf8Encode } from '../../base/bytes.ts'
import { rendezvousOrder } from '../../base/rendezvous.ts'
import type { Roster } from './roster.ts'

/**
 * Of the members that notify for the receiver, how many are before us in the order of the work, and may well be about to
 * claim it: a suspected one is not waited for, nor is one of `passed`, which has had its turn.
 *
 * @param receiver `receiverKey`
 */
export function rankOf(
  work: string,
  receiver: string,
  roster: Pick<Roster, 'name' | 'notifiersOf' | 'isSuspect'>,
  passed: ReadonlySet<string>,
): number {
  const order = rendezvousOrder(work, roster.notifiersOf(receiver))
  const before = order.slice(0, order.indexOf(roster.name))
  return before.filter((name) => !passed.has(name) && !roster.isSuspect(name)).length
}

/**
 * The position that counts against foreign members, which know no claims and each wait by their place among all members.
 * A claimant speaks for all that have granted it, so it takes the first of their places: no foreign member has it, nor
 * one of our own that may be about to send, and so nobody else waits as long. 0 when no foreign member is present.
 *
 * @param unheard native members that have not answered
 */
export function foreignPosition(
  roster: Pick<Roster, 'name' | 'present'>,
  unheard: ReadonlySet<string>,
): number {
  const present = roster.present()
  if (present.every(({ isNative }) => isNative)) return 0
  const others = present.map(({ name, isNative }) => {
    return { bytes: utf8Encode(name), isOurs: isNative && !unheard.has(name) }
  })
  const places = [...others, { bytes: utf8Encode(roster.name), isOurs: true }]
  places.sort((a, b) => compareBytes(a.bytes, b.bytes))
  return places.findIndex(({ isOurs }) => isOurs)
}
