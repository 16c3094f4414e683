/**
 * What to say about a stream that could not be read: to the peer that sent it, and to our operator when it was a reply.
 *
 * Nearly always it is about keys, and then the sentence must name the cure: one of two members lacks a key, or has
 * another. All other reasons are told by their code.
 */
import type { DropReason } from '../wire/drop-reason.ts'

const UNDECRYPTABLE = 'no key could decrypt it to a message'

const OF_A_REQUEST: Partial<Record<DropReason, string>> = {
  undecryptable: UNDECRYPTABLE,
  'padding-malformed': UNDECRYPTABLE,
  'plaintext-refused': 'it is plaintext, and this member takes encrypted traffic only',
  'encrypted-without-key': 'it is encrypted, and this member has no gossip key',
}

const OF_A_REPLY: Partial<Record<DropReason, string>> = {
  undecryptable: 'no key could decrypt the reply: the peer uses a gossip key that we do not have',
  'plaintext-refused':
    'the peer answers in plaintext, which is refused while a gossip key is set: it may have no key (Alertmanager never has one)',
  'encrypted-without-key':
    'the reply is encrypted and no key is set here: the peer uses a gossip key that we do not have',
}

/**
 * For the peer; at most a line.
 *
 * Of what was encrypted it says the same, however far reading came. The version of a block is not authenticated: whoever
 * recorded one could have it read as another version, and learn from a difference how its content ends.
 *
 * @param decrypted whether a key of ours opened it
 */
export function complaintAbout(reason: DropReason, decrypted: boolean): string {
  return `hearsay cannot read this stream: ${decrypted ? UNDECRYPTABLE : (OF_A_REQUEST[reason] ?? reason)}`
}

/** Why a request of ours came to nothing, for a person. */
export function troubleWithReply(reason: DropReason): string {
  return OF_A_REPLY[reason] ?? `unreadable reply: ${reason}`
}
