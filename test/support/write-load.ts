/**
 * Clients that write one key after the other, each on a connection that it keeps, until the connection is gone: what was
 * answered, and how each came to its end.
 */
import { Agent, request } from 'node:http'
import { errorCode } from '../../src/base/errors.ts'

export interface WriteLoad {
  /** Keys whose write was answered with 200 or 201. */
  readonly answered: readonly string[]
  /** Answers other than these. */
  readonly refusals: readonly number[]
  /** Why each client ended, once it has. */
  readonly ends: readonly string[]
  /** Longest time in which these clients were kept from running, in ms: what comes meanwhile is seen late. */
  readonly sleptMs: () => number
  /** Resolves when all have ended. */
  readonly ended: Promise<unknown>
}

function put(agent: Agent, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'PUT', agent }, (response) => {
      response.on('error', reject)
      response.on('end', () => resolve(response.statusCode ?? 0))
      response.resume()
    })
    outgoing.on('error', reject)
    outgoing.end('value')
  })
}

/** @param url of a map, such as `http://127.0.0.1:1/api/v1/kv/m` */
export function startWriteLoad(url: string, clients: number): WriteLoad {
  const [answered, refusals, ends]: [string[], number[], string[]] = [[], [], []]
  const run = async (client: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      for (let i = 0; ; i++) {
        const key = `${client}-${i}`
        const status = await put(agent, `${url}/${key}`)
        if (status === 200 || status === 201) answered.push(key)
        else refusals.push(status)
      }
    } catch (error) {
      ends.push(errorCode(error) ?? String(error))
    } finally {
      agent.destroy()
    }
  }
  let [sleptMs, seenAtMs] = [0, performance.now()]
  const watch = setInterval(() => {
    sleptMs = Math.max(sleptMs, performance.now() - seenAtMs)
    seenAtMs = performance.now()
  }, 5)
  const ended = Promise.all(Array.from({ length: clients }, (_, client) => run(client))).finally(() =>
    clearInterval(watch),
  )
  return { answered, refusals, ends, sleptMs: () => sleptMs, ended }
}
