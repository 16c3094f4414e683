/**
 * The only host globals a pure core may name. The core compiler configuration (tsconfig.core.json) loads neither
 * Node's nor the DOM's types, so anything else that touches the host fails to compile there.
 */
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(input?: Uint8Array): string
}
