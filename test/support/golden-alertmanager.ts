/** Bytes that a real Alertmanager 0.25 loaded and wrote back unchanged (alertmanager-state.md section 1.2). */

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** One silence after its length: job="a" and env!~"dev.*", active 2025 to 2035, with an annotation and a matcher set. */
export const GOLDEN_SILENCE_LIST: Uint8Array = fromHex(
  '9d010a92010a2461616161616161612d303030302d343030302d383030302d303030303030303030303036120812036a6f621a0161120e' +
    '08031203656e761a056465762e2a1a0608808bd2bb0622060880d78cd2072a0c08808bd2bb061080cab5ee0142067465737465724a036' +
    '36d7452090a047465616d1201785a1a0a0812036a6f621a01610a0e08031203656e761a056465762e2a1206088086a7d207',
)
export const GOLDEN_SILENCE: Uint8Array = GOLDEN_SILENCE_LIST.subarray(2)
export const GOLDEN_SILENCE_ID = 'aaaaaaaa-0000-4000-8000-000000000006'

/** A notification log record, without its length. */
export const GOLDEN_NOTIFICATION: Uint8Array = fromHex(
  '0a4c0a217b7d2f7b6e6f64653d22626172227d3a7b616c6572746e616d653d22666f6f227d120d0a0277681207776562686f6f6b2a0c08' +
    'aec483d80610afd5bcd801320aede0e196bf9ffca29d01120c08a6c583d80610afd5bcd801',
)
