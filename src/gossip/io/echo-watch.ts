/**
 * Whether a reply is our own request, said back.
 *
 * What we encrypt opens with our key, so a host without a key that returns it would pass for a member that knows all we
 * do. But a nonce is used once: a reply whose frame begins as ours did, up to the end of the nonce, is ours. In plaintext
 * nothing can be told, and nothing is lost: there anybody may claim what he likes.
 */
import { MessageType } from '../wire/message-type.ts'

/** Type byte, length, version, nonce. */
const FRAME_START_BYTES: number = 1 + 4 + 1 + 12

export class EchoWatch {
  readonly #sent: Uint8Array
  /** How much of it has come back; undefined once something else did, or when nothing can be told. */
  #matched: number | undefined

  /** @param headerBytes of the label, which answers do not carry */
  constructor(sent: Uint8Array, headerBytes: number) {
    this.#sent = sent.subarray(headerBytes, headerBytes + FRAME_START_BYTES)
    const isEncrypted = this.#sent[0] === MessageType.encrypted && this.#sent.length === FRAME_START_BYTES
    this.#matched = isEncrypted ? 0 : undefined
  }

  /** @returns whether the reply is an echo, with this piece of it */
  push(chunk: Uint8Array): boolean {
    for (let i = 0; i < chunk.length && this.#matched !== undefined; i++) {
      if (this.#matched === FRAME_START_BYTES) return true
      this.#matched = chunk[i] === this.#sent[this.#matched] ? this.#matched + 1 : undefined
    }
    return this.#matched === FRAME_START_BYTES
  }
}
