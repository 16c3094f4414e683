/**
 * The order of texts by their UTF-8 bytes, which is how Go sorts strings, without encoding them.
 *
 * JavaScript compares 16-bit units. The two orders differ only where one text has a character above U+FFFF, whose units
 * are D800 to DFFF, and the other one of U+E000 to U+FFFF: so those two ranges change places before they are compared.
 */

function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}

/** Negative when `a` comes first. Texts without halves of surrogate pairs only. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}
