/**
 * An attacker as a process of its own, so that what it costs is not taken for the victim's slowness:
 * `attacker <attack> <host:port> <ms> <seed> <datagrams a second> [key]`; prints how much it sent.
 */
import { parseHostPort } from '../../src/base/host-port.ts'
import { seededRandom } from '../../src/base/random.ts'
import { ATTACKS, encryptionUnder } from './attacks.ts'

const [name = '', address = '', forMs = '', seed = '', perSecond = '', key = ''] = process.argv.slice(2)
const attack = ATTACKS[name]
if (attack === undefined) throw new Error(`no such attack: ${name}`)
const sent = await attack({
  at: parseHostPort(address),
  forMs: Number(forMs),
  random: seededRandom(Number(seed)),
  perSecond: Number(perSecond),
  encryption: encryptionUnder(key),
})
process.stdout.write(`${sent}\n`)
process.exit(0)
