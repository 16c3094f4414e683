/** An attacker of the HTTP side as a process of its own: `http-attacker <attack> <host:port> <ms>`; prints what came of it. */
import { parseHostPort } from '../../src/base/host-port.ts'
import { HTTP_ATTACKS } from './http-attacks.ts'

const [name = '', address = '', forMs = ''] = process.argv.slice(2)
const attack = HTTP_ATTACKS[name]
if (attack === undefined) throw new Error(`no such attack: ${name}`)
process.stdout.write(
  `${JSON.stringify(await attack({ at: parseHostPort(address), forMs: Number(forMs) }))}\n`,
)
process.exit(0)
