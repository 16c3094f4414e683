/**
 * The same bytes as a plain `Uint8Array`. A host may hand us a subclass whose `slice` shares memory instead of copying
 * (Node's Buffer does), and the decoders here rely on `slice` being a copy.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
