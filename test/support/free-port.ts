/**
 * A port that was free for TCP and UDP on 127.0.0.1 a moment ago; for processes that cannot be told "any". No port is given
 * twice, since the kernel may offer one again before the process it was for has bound it.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const given = new Set<number>()

export async function freePort(): Promise<number> {
  for (;;) {
    const tcp = createServer()
    const port = await new Promise<number>((resolve, reject) => {
      tcp.once('error', reject)
      tcp.listen(0, '127.0.0.1', () => {
        const address = tcp.address()
        if (address === null || typeof address === 'string') reject(new Error('no address'))
        else resolve(address.port)
      })
    })
    const udp = createSocket('udp4')
    const free = await new Promise<boolean>((resolve) => {
      udp.once('error', () => resolve(false))
      udp.bind(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise<void>((resolve) => udp.close(() => resolve()))
    await new Promise((resolve) => tcp.close(resolve))
    if (!free || given.has(port)) continue
    given.add(port)
    return port
  }
}
