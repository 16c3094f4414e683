/** Networks as text: an address and the bits of it that count, `10.0.0.0/8` or `fd00::/8` (RFC 4632 section 3.1). */
import { isIP } from 'node:net'

const FORM = /^([0-9A-Fa-f:.]+)\/(0|[1-9]\d{0,2})$/
const BITS_V4 = 32
const BITS_V6 = 128

export function isNetwork(text: string): boolean {
  const [, address = '', bits = ''] = FORM.exec(text) ?? []
  const family = isIP(address)
  return family !== 0 && Number(bits) <= (family === 4 ? BITS_V4 : BITS_V6)
}
